"""The command `sample`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.version import DISTRIBUTION, VERSION


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_what_sample_writes_predict_prices(
    call: Callable[..., Result], artifact: Path, kind: str
) -> None:
    sampled_as = f"houses.{kind}"
    sampled = call("sample", 12, "--output", sampled_as)
    result = call("predict", sampled_as, "--output", "p.csv", "--artifact", artifact, "--json")

    assert sampled.exit_code == 0
    assert "12 synthetic houses written to" in sampled.stderr
    counts = json.loads(result.stdout)
    assert (counts["rows"], counts["priced"]) == (12, 12)


def test_sample_gives_the_same_houses_for_the_same_seed(call: Callable[..., Result]) -> None:
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        assert call("sample", 20, "--output", name, "--seed", seed).exit_code == 0

    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes() != Path("c.csv").read_bytes()


@pytest.mark.parametrize(
    ("target", "message"),
    [("houses.xlsx", r"houses\.xlsx"), ("absent/houses.csv", r"absent/houses\.csv")],
)
def test_sample_refuses_a_file_that_it_cannot_write(
    call: Callable[..., Result], target: str, message: str
) -> None:
    result = call("sample", 3, "--output", target)

    assert result.exit_code == 2
    assert re.search(message, result.stderr)


def test_sample_without_pyarrow_says_so_too(run: Callable[..., Any], tmp_path: Path) -> None:
    ended = run("sample", 3, "--output", "houses.parquet", absent="pyarrow")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert f'{sys.executable} -m pip install "{DISTRIBUTION}[batch]=={VERSION}"' in ended.stderr
    assert not list(tmp_path.iterdir())
