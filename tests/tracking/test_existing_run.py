"""What is recorded while a run is named goes into that run, and leaves to others what is theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.artifact import open_artifact
from regression_model.errors import TrackingFailed
from regression_model.tracking.runs import Data, Run
from regression_model.tracking.store import Store

mlflow = pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours

Call = Callable[..., Result]
DIGEST = "abcdef0123456789"
RUN = Run(
    "model",
    params={"seed": "7", "coverage": "0.9"},
    metrics={"rmsle": 0.1},
    tags={"digest": DIGEST, "kind": "training", "mlflow.source.name": "ours"},
    description="# Card",
    data=Data("train.csv", "file", "0" * 64, 200),
    children=[Run(f"fold {number}", metrics={"rmsle": 0.1}) for number in (1, 2)],
)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def client(uri: str) -> Any:
    return mlflow.MlflowClient(tracking_uri=uri)


@pytest.fixture
def begin(uri: str, client: Any) -> Callable[..., Store]:
    """Begins a run of another experiment with the parameters given; the store that names it."""

    def begin(**params: str) -> Store:
        known = client.get_experiment_by_name("theirs")
        experiment = known.experiment_id if known else client.create_experiment("theirs")
        begun = client.create_run(experiment, tags={"mlflow.source.name": "theirs"}).info
        for name, value in params.items():
            client.log_param(begun.run_id, name, value)
        return Store(uri, "ours", begun.run_id)

    return begin


def record(run: Run, store: Store) -> Any:
    from regression_model.tracking.send import send

    return send(run, store, identity="digest")


def nested(client: Any, parent: Any) -> list[str]:
    below = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    runs = client.search_runs([parent.info.experiment_id], filter_string=below)
    return sorted(one.info.run_name for one in runs)


def test_everything_is_in_the_run_that_was_begun(
    begin: Callable[..., Store], client: Any, tmp_path: Path
) -> None:
    page, store = tmp_path / "report.html", begin(data="train.csv")
    page.write_text("")

    told = record(replace(RUN, files=[(page, "")]), store)

    found = client.get_run(store.run_id)
    assert (told.run_id, told.experiment, told.before) == (store.run_id, "theirs", False)
    assert found.data.params == {**RUN.params, "data": "train.csv"}
    assert found.data.metrics == RUN.metrics
    assert found.data.tags.items() >= {"digest": DIGEST, "mlflow.note.content": "# Card"}.items()
    assert [one.path for one in client.list_artifacts(store.run_id)] == ["report.html"]
    assert nested(client, found) == ["fold 1", "fold 2"]


def test_its_name_source_and_end_are_left_to_who_began_it(
    begin: Callable[..., Store], client: Any
) -> None:
    store = begin()
    before = client.get_run(store.run_id).info

    record(RUN, store)

    found = client.get_run(store.run_id)
    assert (found.info.status, found.info.run_name) == ("RUNNING", before.run_name)
    assert found.info.end_time is None
    assert found.data.tags["mlflow.source.name"] == "theirs"


def test_a_parameter_that_has_another_value_there_is_kept_beside_it(
    begin: Callable[..., Store], client: Any
) -> None:
    store = begin(seed="theirs", coverage="0.9")

    record(RUN, store)

    params = client.get_run(store.run_id).data.params
    assert params == {"seed": "theirs", "abcdef01.seed": "7", "coverage": "0.9"}


def test_what_is_recorded_elsewhere_is_not_skipped(
    begin: Callable[..., Store], client: Any, uri: str
) -> None:
    elsewhere = record(RUN, Store(uri, "theirs"))
    store = begin()

    first, second = record(RUN, store), record(RUN, store)

    assert elsewhere.run_id != first.run_id == store.run_id
    assert second == replace(first, before=True)
    assert nested(client, client.get_run(store.run_id)) == ["fold 1", "fold 2"]


def test_an_attempt_that_failed_is_made_good_in_the_same_run(
    begin: Callable[..., Store], client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, finish = begin(), mlflow.MlflowClient.set_terminated
    finished: list[str] = []

    def fail_late(own: Any, run_id: str, *arguments: Any) -> None:
        finished.append(run_id)
        if len(finished) == 2:
            raise OSError("the connection was lost")
        finish(own, run_id, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(mlflow.MlflowClient, "set_terminated", fail_late)
        with pytest.raises(TrackingFailed, match="did not take the run: the connection was lost"):
            record(RUN, store)
    half = client.get_run(store.run_id)
    done = record(RUN, store)

    assert "digest" not in half.data.tags
    assert not done.before
    assert nested(client, half) == ["fold 1", "fold 2"]


def test_a_run_that_is_not_there_is_named(uri: str) -> None:
    with pytest.raises(TrackingFailed, match="does not have the run 0000 that MLFLOW_RUN_ID names"):
        record(RUN, Store(uri, "ours", "0000"))


def test_a_run_that_is_deleted_is_named(begin: Callable[..., Store], client: Any) -> None:
    store = begin()
    client.delete_run(store.run_id)

    with pytest.raises(TrackingFailed, match=f"the run {store.run_id} .* is deleted; restore it"):
        record(RUN, store)


def test_a_database_that_is_not_there_is_refused_before_a_training(
    run: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")

    done = run("train", "--output", "models")

    assert done.exit_code == 2
    assert f"sqlite:///elsewhere.db does not have the run {'0' * 32}" in done.stderr
    assert (
        "set MLFLOW_TRACKING_URI to a server or to the absolute path of a database" in done.stderr
    )
    assert not Path("models").exists()


def test_a_training_whose_run_stays_empty_is_saved_but_does_not_end_well(
    run: Call, small_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run("sample", 200, "--output", "train.csv")
    options = ("--data", "train.csv", "--config", small_config, "--output", "models")

    done = run("train", *options, "--json")

    assert done.exit_code == 2
    assert open_artifact("models").folder == Path(json.loads(done.stdout)["artifact"])
    assert "did not take the run" in done.stderr
