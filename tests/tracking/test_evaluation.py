"""What `evaluate --json` prints becomes a run with its figures, its verdict and its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from regression_model.tracking.of_evaluation import is_evaluation, run_of_evaluation

Call = Callable[..., Result]


@pytest.fixture
def judged(run: Call, artifact: Path, tmp_path: Path) -> Path:
    """The file, beside which the report lies."""
    run("sample", 200, "--output", "sold.csv")
    options = ("--artifact", artifact, "--report", "report.html", "--json")
    path = tmp_path / "evaluation.json"
    path.write_text(run("evaluate", "--data", "sold.csv", *options).stdout)
    return path


def test_an_evaluation_becomes_a_run(judged: Path, tmp_path: Path) -> None:
    printed, recorded = json.loads(judged.read_text()), run_of_evaluation(judged)

    assert recorded.metrics["rmsle"] == printed["rmsle"]
    assert recorded.metrics["range/coverage"] == printed["coverage"]
    assert recorded.metrics["ratio/cod"] > 0
    assert recorded.params["model_digest"].startswith(recorded.name.rpartition(" ")[2])
    assert recorded.data is not None
    assert (recorded.data.rows, recorded.data.used_for) == (200, "evaluation")
    assert printed["verdict"][0]["text"] in recorded.description
    assert recorded.files == [(judged, ""), (tmp_path / "report.html", "")]


def test_a_report_that_is_gone_is_left_out(judged: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").unlink()

    assert run_of_evaluation(judged).files == [(judged, "")]


@pytest.mark.parametrize("content", ["", "[]", "7", '{"data": {}, "candidates": []}'])
def test_other_files_are_no_evaluation(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)

    assert not is_evaluation(path)
