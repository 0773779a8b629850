"""Candidates are compared on the same folds, and become runs that compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result as Ended

from regression_model.config.spec import Spec
from regression_model.errors import TrackingFailed
from regression_model.sales.table import Sales
from regression_model.tracking.of_experiments import run_of_experiments
from regression_model.training.experiments import BLEND, RIVALS, Result, compare, steps_of
from regression_model.training.fit import MEAN, MODEL, Trained

Call = Callable[..., Ended]


@pytest.fixture(scope="module")
def found(spec: Spec, sales: Sales) -> list[Result]:
    seen: list[str] = []
    results = compare(spec, sales, step=seen.append)
    assert len(seen) == steps_of(spec, 1)
    return results


def test_the_candidates_are_ranked(found: list[Result]) -> None:
    errors = [result.metrics["rmsle"] for result in found]

    assert {result.name for result in found} == {MEAN, BLEND, *RIVALS}
    assert errors == sorted(errors)
    assert found[-1].name == MEAN


def test_the_blend_has_the_figures_of_training(found: list[Result], trained: Trained) -> None:
    (blend,) = (result for result in found if result.name == BLEND)

    # The same folds, so the same models to the last digit.
    assert blend.metrics == trained.judgement.cross_validated[MODEL]
    trimmed = trained.judgement.study.ratios.overall.trimmed
    assert trimmed is not None
    assert blend.ratios == {name: one.value for name, one in trimmed.items()}


def test_what_separates_two_candidates_is_told_with_its_error(found: list[Result]) -> None:
    best, worst = found[0], found[-1]

    apart, error = worst.behind(best)

    folds = zip(worst.folds, best.folds, strict=True)
    assert apart == pytest.approx(np.mean([a["rmsle"] - b["rmsle"] for a, b in folds]))
    assert apart > 5 * error > 0
    assert best.behind(best) == (0, 0)


@pytest.fixture
def results_file(found: list[Result], sales: Sales, tmp_path: Path) -> Path:
    data = {"source": "sample", "name": sales.name, "rows": len(sales.prices)}
    summary = {
        "data": {**data, "sha256": sales.sha256},
        "candidates": [result.as_dict() for result in found],
    }
    path = tmp_path / "experiments.json"
    path.write_text(json.dumps(summary))
    return path


def test_each_candidate_is_a_run_under_the_leaderboard(
    results_file: Path, found: list[Result]
) -> None:
    run = run_of_experiments(results_file)

    assert [child.name for child in run.children] == [result.name for result in found]
    assert run.tags["best"] == found[0].name
    assert f"| {found[0].name} |" in run.description
    blend = run.children[[result.name for result in found].index(BLEND)]
    assert blend.params["members.trees.hyperparameters.n_estimators"] == "60"
    assert len(blend.series["fold/rmsle"]) == 5
    assert {child.data.sha256 for child in run.children if child.data} == {run.tags["data_sha256"]}


@pytest.mark.parametrize("content", ["{", "[]", '{"data": 1}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)

    with pytest.raises(TrackingFailed, match=r"other\.json holds no results of 'regression-model"):
        run_of_experiments(path)


def test_the_command_prints_and_writes_the_leaderboard(
    run: Call, small_config: Path, tmp_path: Path
) -> None:
    run("sample", 200, "--output", "sales.csv")
    options = ("--data", "sales.csv", "--config", small_config, "--output", "found.json")

    done = run("experiments", *options, "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert told == json.loads(Path("found.json").read_text())
    assert [one["name"] for one in told["candidates"]][-1] == MEAN
    assert {len(one["folds"]) for one in told["candidates"]} == {2}


@pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours
def test_the_runs_are_in_mlflow(
    run: Call, results_file: Path, client_of: Callable[[str], Any], tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'own.db'}"

    told = json.loads(run("track", results_file, "--uri", uri, "--json").stdout)

    runs = client_of(uri).search_runs([told["experiment_id"]], order_by=["metrics.rmsle"])
    candidates = [one for one in runs if one.data.tags["kind"] == "candidate"]
    assert len(candidates) == len(RIVALS) + 2
    assert {one.data.tags["mlflow.parentRunId"] for one in candidates} == {told["run_id"]}
    assert candidates[-1].info.run_name == MEAN
