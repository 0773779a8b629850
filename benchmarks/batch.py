"""A table of houses in, a table of prices out: rows a second and peak memory.

``regression-model predict`` is compared with the artifact's own scikit-learn pipeline on pandas, in
chunks. Each run is a process of its own, start included. Tables are generated houses, repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmarks.effort import Effort
from regression_model.sales.sample import write_sample

GENERATED = 20_000
PEER = Path(__file__).parent / "apps" / "batch_pandas.py"
WEIGH = Path(__file__).with_name("weigh.py")
Say = Callable[[str], None]


class Failed(Exception):
    """A run ended with an error."""


def measure(artifact: Path, effort: Effort, say: Say) -> list[dict[str, Any]]:
    """For each table: ``rows``, ``format``, and the runs of ``ours`` and of ``pandas``.

    A run holds ``seconds`` of the clock, ``work`` (those of all cores together) and ``memory``,
    the largest resident size in bytes. Tables that would keep the peer too long have no ``pandas``.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        houses = Path(folder, "houses.csv")
        write_sample(houses, GENERATED)
        for rows in effort.tables:
            for suffix in ("csv", "parquet"):
                say(f"{rows:,} rows of {suffix}")
                source = _repeated(houses, rows, suffix)
                found.append(_compare(source, rows, artifact, effort))
                source.unlink()
    return found


def _compare(source: Path, rows: int, artifact: Path, effort: Effort) -> dict[str, Any]:
    target = source.with_stem("prices")
    predict = ["-m", "regression_model", "predict", str(source), "--output", str(target)]
    commands = {"ours": [*predict, "--artifact", str(artifact), "--json"]}
    if rows <= effort.longest_peer_table:
        commands["pandas"] = [str(PEER), str(artifact), str(source), str(target)]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(effort.table_rounds):
        for name, command in commands.items():
            runs[name].append(_run(command, folder=source.parent))
            target.unlink()
    return {"rows": rows, "format": source.suffix[1:], **runs}


def _run(arguments: list[str], folder: Path) -> dict[str, float]:
    python = [sys.executable, "-P"]
    done = subprocess.run(
        [*python, "-S", str(WEIGH), *python, *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    *_, said = done.stderr.splitlines() or [""]
    if done.returncode:
        raise Failed(said)
    taken: dict[str, float] = json.loads(said)
    return taken


def _repeated(houses: Path, rows: int, suffix: str) -> Path:
    """A table of ``rows`` rows, those of ``houses`` over and over."""
    path = houses.with_name(f"table.{suffix}")
    counts = [GENERATED] * (rows // GENERATED) + [rows % GENERATED] * (rows % GENERATED > 0)
    if suffix == "csv":
        header, *lines = houses.read_bytes().splitlines(keepends=True)
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
