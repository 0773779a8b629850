"""The trials of a search become runs under one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.config.spec import Spec
from regression_model.errors import StudyRefused

optuna = pytest.importorskip("optuna", reason="tune is an extra")

DATA = "ab" * 32
Call = Callable[..., Result]


@pytest.fixture
def study(spec: Spec, tmp_path: Path) -> Path:
    """A file of four trials: the present config, a better one, an interrupted and a worse one."""
    from regression_model.training.tuning.study import next_trial, open_study

    path = tmp_path / "tune.db"
    with open_study(path, spec, data=DATA, repeats=1) as opened:
        for value in (0.125, 0.115, None, 0.135):
            trial = next_trial(opened, spec)
            failed = optuna.trial.TrialState.FAIL
            opened.tell(trial, **({"state": failed} if value is None else {"values": value}))
    return path


def test_each_trial_is_a_run(study: Path) -> None:
    from regression_model.tracking.of_study import run_of_study

    run = run_of_study(study)

    assert [child.name for child in run.children] == [
        "trial 0, the present config",
        "trial 1",
        "trial 2",
        "trial 3",
    ]
    assert [child.metrics.get("rmsle") for child in run.children] == [0.125, 0.115, None, 0.135]
    assert [child.failed for child in run.children] == [False, False, True, False]
    assert run.metrics == {"trials": 4, "rmsle": 0.115, "present/rmsle": 0.125}
    assert run.params == run.children[1].params
    assert run.children[0].params["trees.learning_rate"] == "0.2"
    assert run.tags["data_sha256"] == DATA


def test_a_study_that_was_gone_on_with_is_another(study: Path, spec: Spec) -> None:
    from regression_model.tracking.of_study import DIGEST, run_of_study
    from regression_model.training.tuning.study import next_trial, open_study

    before, again = run_of_study(study), run_of_study(study)
    with open_study(study, spec, data=DATA, repeats=1) as opened:
        opened.tell(next_trial(opened, spec), 0.2)
    after = run_of_study(study)

    assert before.tags[DIGEST] == again.tags[DIGEST] != after.tags[DIGEST]


def test_another_database_is_refused(tmp_path: Path) -> None:
    from regression_model.tracking.of_study import run_of_study

    path = tmp_path / "other.db"
    path.write_bytes(b"SQLite format 3\0")

    with pytest.raises(StudyRefused, match=r"other\.db: holds no study of 'tune'"):
        run_of_study(path)


@pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours
def test_the_trials_are_in_mlflow(
    run: Call, study: Path, client_of: Callable[[str], Any], tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'own.db'}"

    told = json.loads(run("track", study, "--uri", uri, "--json").stdout)

    runs = client_of(uri).search_runs([told["experiment_id"]], order_by=["metrics.rmsle ASC"])
    trials = [one for one in runs if one.data.tags["kind"] == "trial"]
    assert [one.info.run_name for one in trials][:2] == ["trial 1", "trial 0, the present config"]
    assert {one.info.status for one in trials} == {"FINISHED", "FAILED"}
    assert {one.data.tags["mlflow.parentRunId"] for one in trials} == {told["run_id"]}
