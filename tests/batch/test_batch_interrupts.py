"""However a run ends, the target is what it was before, or whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from regression_model.files import atomic_file

pytestmark = pytest.mark.process

LINE = "NAmes,5,1960,1000\n"
RUN = """
import sys, time
from pathlib import Path
from regression_model import load_model
from regression_model.batch import csv_blocks
from regression_model.cli.screen import terminated_cleanly
from regression_model.scoring import score_table

csv_blocks.BLOCK = 20_000
source, target, pause = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
parts = 0

def wait(consumed, rows):
    global parts
    parts += 1
    if parts == pause:
        print("waiting", flush=True)
        for _ in range(1200):  # a signal may arrive just before a sleep, which then is slept out
            time.sleep(0.05)

with terminated_cleanly():
    score_table(load_model(), source, target, progress=wait)
"""


EARLIER = "an earlier table"
# Each signal, format and moment once; all combinations in the conformance tier.
SMALL = {
    (signal.SIGINT, 1, "csv", EARLIER),
    (signal.SIGTERM, 4, "ndjson", None),
    (signal.SIGKILL, 1, "parquet", EARLIER),
}
ALL = product(
    (signal.SIGINT, signal.SIGTERM, signal.SIGKILL),
    (1, 4),
    ("csv", "ndjson", "parquet"),
    (None, EARLIER),
)


@pytest.mark.parametrize(
    ("ending", "pause", "suffix", "before"),
    [pytest.param(*case, marks=() if case in SMALL else pytest.mark.conformance) for case in ALL],
)
def test_a_run_that_is_ended_leaves_nothing(
    artifact: Path,
    tmp_path: Path,
    ending: signal.Signals,
    pause: int,
    suffix: str,
    before: str | None,
) -> None:
    source, target = tmp_path / "houses.csv", tmp_path / f"prices.{suffix}"
    source.write_text("Neighborhood,OverallQual,YearBuilt,GrLivArea\n" + LINE * 6000)
    if before is not None:
        target.write_text(before)
    names = {path.name for path in tmp_path.iterdir()}

    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(source), str(target), str(pause)],
        env={**os.environ, "REGRESSION_MODEL_ARTIFACT": str(artifact)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == "waiting\n", run.communicate()
        run.send_signal(ending)
        run.communicate(timeout=60)

    assert run.returncode != 0
    left = {path.name for path in tmp_path.iterdir()} - names
    assert not any(name == target.name for name in left)
    if ending != signal.SIGKILL or atomic_file.open_nameless(tmp_path) is not None:
        assert left == set()
    if before is not None:
        assert target.read_text() == before
