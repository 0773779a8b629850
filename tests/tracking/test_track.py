"""A saved model is recorded whole and once, on SQLite and on database servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import create_engine, inspect

from regression_model.artifact import open_artifact
from regression_model.tracking.of_artifact import run_of_artifact

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours

Call = Callable[..., Result]


def test_a_model_is_recorded_with_all_that_belongs_to_it(
    run: Call, database: str, artifact: Path, client_of: Callable[[str], Any], tmp_path: Path
) -> None:
    done = run("track", artifact, "--uri", database, "--experiment", "houses", "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    client = client_of(database)
    found = client.get_run(told["run_id"])
    expected = run_of_artifact(open_artifact(artifact))
    assert found.info.status == "FINISHED"
    assert found.info.run_name == expected.name
    assert found.data.params == expected.params
    last = {name: values[-1] for name, values in expected.series.items()}
    assert found.data.metrics == pytest.approx({**expected.metrics, **last}, rel=1e-12)
    assert expected.tags.items() <= found.data.tags.items()
    assert found.data.tags["mlflow.note.content"].startswith("# ")
    (data,) = found.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == (
        "bundled sample",
        expected.data.sha256[:12] if expected.data else None,
    )
    errors = [point.value for point in client.get_metric_history(told["run_id"], "fold/rmsle")]
    assert errors == pytest.approx(list(expected.series["fold/rmsle"]), rel=1e-12)
    assert len(nested(client, told)) == 5
    assert {"runs", "params", "metrics", "tags", "datasets"} <= tables(database)


def nested(client: Any, told: dict[str, Any]) -> list[Any]:
    parent = f"tags.`mlflow.parentRunId` = '{told['run_id']}'"
    return list(client.search_runs([told["experiment_id"]], filter_string=parent))


def tables(uri: str) -> set[str]:
    engine = create_engine(uri)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_the_same_model_is_recorded_once(run: Call, database: str, artifact: Path) -> None:
    options = ("--uri", database, "--experiment", "once", "--json")
    first, second = (json.loads(run("track", artifact, *options).stdout) for _ in range(2))

    assert second == {**first, "before": True}


def test_the_artifact_comes_back_as_it_was_saved(
    run: Call, artifact: Path, client_of: Callable[[str], Any], tmp_path: Path
) -> None:
    told = json.loads(run("track", artifact, "--json").stdout)

    fetched = Path(client_of(told["uri"]).download_artifacts(told["run_id"], "", str(tmp_path)))

    (folder,) = (fetched / "artifact").iterdir()
    assert open_artifact(folder).verify() == open_artifact(artifact).verify()
    assert "</html>" in (fetched / "report.html").read_text("utf-8")
    assert len(list((fetched / "plots").glob("*.svg"))) == 6
    assert Path("mlflow.db").is_file()  # beside the folder mlruns, where nothing was named


def test_an_attempt_that_failed_is_made_good(
    run: Call,
    artifact: Path,
    client_of: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from mlflow import MlflowClient

    options = (artifact, "--uri", f"sqlite:///{tmp_path / 'own.db'}", "--json")

    def refuse(*arguments: Any) -> None:
        raise OSError("the connection was lost\nin the middle")

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_inputs", refuse)
        failed = run("track", *options)
    told = json.loads(run("track", *options).stdout)

    assert failed.exit_code == 2
    assert "did not take the run: the connection was lost in the middle" in failed.stderr
    runs = client_of(told["uri"]).search_runs([told["experiment_id"]])
    assert not told["before"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(runs) == 1 + 5


def test_a_deleted_experiment_is_named(
    run: Call, artifact: Path, client_of: Callable[[str], Any], tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'own.db'}"
    client = client_of(uri)
    client.delete_experiment(client.create_experiment("gone"))

    done = run("track", artifact, "--experiment", "gone", "--uri", uri)

    assert done.exit_code == 2
    assert "the experiment 'gone' is deleted; restore it" in done.stderr


@pytest.mark.parametrize("module", ["send", "model"])
def test_mlflow_is_told_to_send_no_telemetry(module: str) -> None:
    code = (
        f"import regression_model.tracking.{module}, mlflow.telemetry.utils as telemetry; "
        "print(telemetry.is_telemetry_disabled())"
    )
    unset = {"MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "PYTEST_CURRENT_TEST"}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name not in unset},
        text=True,
        timeout=120,
    )

    assert ended.stdout.strip() == "True"
