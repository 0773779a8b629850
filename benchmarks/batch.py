"""A table of houses in, a table of prices out: rows a second and peak memory.

    python benchmarks/batch.py --artifact DIR [--rows 10000 100000 1000000] [--peer-rows 100000]

Beside ``regression-model predict`` stands the artifact's own scikit-learn pipeline on pandas, in
chunks. Each run is a process of its own, start included; rounds are interleaved, so that a noisy
machine troubles all alike. Prints a Markdown table of medians. Tables are generated houses,
repeated; they are removed at the end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

ROOT = Path(__file__).resolve().parents[1]
GENERATED = 20_000
PEER = """
import sys
import pandas as pd
from pathlib import Path
from pyarrow import parquet, Table
from regression_model import load_model
from regression_model.training.persistence import load_pipeline

artifact, source, target = sys.argv[1:]
model = load_model(artifact)
pipeline = load_pipeline(model.artifact)

def price(frame):
    prices = pipeline.predict(frame.drop(columns="Id"))
    return pd.DataFrame({"Id": frame["Id"], "prediction": prices.round(2)})

if source.endswith(".csv"):
    for n, frame in enumerate(pd.read_csv(source, chunksize=20_000)):
        price(frame).to_csv(target, mode="a" if n else "w", header=not n, index=False)
else:
    writer = None
    for batch in parquet.ParquetFile(source).iter_batches(20_000):
        table = Table.from_pandas(price(batch.to_pandas()), preserve_index=False)
        writer = writer or parquet.ParquetWriter(target, table.schema)
        writer.write_table(table)
    writer.close()
"""


class Run(NamedTuple):
    """Seconds of the clock and of all cores together, and the largest resident memory in MiB."""

    seconds: float
    work: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--artifact", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--peer-rows", type=int, default=100_000, help="Longest table of the peer.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="Cores. Default: all that are available.")
    arguments = parser.parse_args()
    each = "rows/s | cores' time a row | peak memory"
    print(f"| rows | format | times as fast | {each} | scikit-learn {each} |")
    print("|---:|---|" + "---:|" * 7, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        houses = Path(folder, "houses.csv")
        _run("-m", "regression_model", "sample", str(GENERATED), "--output", str(houses))
        for rows in arguments.rows:
            for suffix in ("csv", "parquet"):
                source = _repeated(houses, rows, suffix)
                _compare(source, rows, arguments)
                source.unlink()


def _compare(source: Path, rows: int, arguments: argparse.Namespace) -> None:
    target, artifact = source.with_stem("prices"), str(arguments.artifact)
    ours = ["-m", "regression_model", "predict", str(source), "--output", str(target)]
    ours += ["--artifact", artifact, "--json"]
    if arguments.workers:
        ours += ["--workers", str(arguments.workers)]
    peer = ["-c", PEER, artifact, str(source), str(target)]
    commands = [ours, peer] if rows <= arguments.peer_rows else [ours]
    rounds = [[_run(*command) for command in commands] for _ in range(arguments.rounds)]
    target.unlink()
    medians = [
        Run(*(statistics.median(part) for part in zip(*runs, strict=True)))
        for runs in zip(*rounds, strict=True)
    ]
    ratio = f"{medians[1].seconds / medians[0].seconds:.1f}" if len(medians) > 1 else ""
    cells = [f"{rows:,}", source.suffix[1:], ratio]
    for run in medians:
        cells.append(f"{rows / run.seconds:,.0f}")
        cells.append(f"{run.work / rows * 1e6:,.1f} µs")
        cells.append(f"{run.memory:,.0f} MiB")
    print("| " + " | ".join(cells + [""] * (9 - len(cells))) + " |", flush=True)


def _run(*arguments: str) -> Run:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments[:4])} … ended with {process.returncode}")
    seconds = time.perf_counter() - began
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _repeated(houses: Path, rows: int, suffix: str) -> Path:
    """A table of ``rows`` rows, those of ``houses`` over and over."""
    path = houses.with_name(f"table.{suffix}")
    header, *lines = houses.read_bytes().splitlines(keepends=True)
    counts = [GENERATED] * (rows // GENERATED) + [rows % GENERATED] * (rows % GENERATED > 0)
    if suffix == "csv":
        with path.open("wb") as stream:
            stream.write(header)
            for count in counts:
                stream.writelines(lines[:count])
        return path
    from pandas import read_csv

    table = pa.Table.from_pandas(read_csv(houses), preserve_index=False)
    with parquet.ParquetWriter(path, table.schema) as writer:
        for count in counts:
            writer.write_table(table.slice(0, count))
    return path


if __name__ == "__main__":
    main()
