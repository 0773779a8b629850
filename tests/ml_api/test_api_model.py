"""One model per process: loaded when needed, never in vain, never at the cost of the service."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import ml_api.model
from ml_api.model import ModelHolder, ModelUnavailable, holder, warm
from regression_model import ArtifactError, Model, load_model

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]

PREDICT = "/v1/regression-model/predict"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What ``load_model`` was called with."""
    calls: list[str | None] = []

    def count(path: str | None = None) -> Model:
        calls.append(path)
        return load_model(path)

    monkeypatch.setattr(ml_api.model, "load_model", count)
    return calls


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time of the holder on."""
    now = [1000.0]
    monkeypatch.setattr(ml_api.model, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


def statuses(client: FlaskClient) -> dict[str, int]:
    paths = ["/health", "/ready", "/version", "/v1/regression-model/schema"]
    found = {path: client.get(path).status_code for path in paths}
    return {**found, PREDICT: client.post(PREDICT, json={}).status_code}


def test_making_an_application_loads_nothing(
    make_app: MakeApp, loads: list[str | None], artifact: Path
) -> None:
    client = make_app().test_client()
    client.get("/health")
    assert loads == []

    client.get("/version")
    client.get("/ready")
    assert loads == [str(artifact)]


def test_threads_share_one_load(loads: list[str | None], app: Flask, artifact: Path) -> None:
    shared = ModelHolder(str(artifact))
    start = threading.Barrier(8)
    found: list[Model] = []

    def get() -> None:
        start.wait()
        found.append(shared.get())

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(loads) == 1
    assert len(found) == 8
    assert len({id(model) for model in found}) == 1


def test_without_a_model_only_health_is_well(make_app: MakeApp, tmp_path: Path) -> None:
    client = make_app(REGRESSION_MODEL_ARTIFACT=str(tmp_path / "nothing")).test_client()

    found = statuses(client)

    assert found.pop("/health") == 200
    assert set(found.values()) == {503}


def test_a_damaged_model_is_a_missing_one(
    make_app: MakeApp, artifact: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(artifact, damaged)
    for graph in damaged.rglob("*.onnx"):
        graph.write_bytes(b"\0" + graph.read_bytes()[1:])
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        load_model(damaged)

    client = make_app(REGRESSION_MODEL_ARTIFACT=str(damaged)).test_client()

    found = statuses(client)
    assert found.pop("/health") == 200
    assert set(found.values()) == {503}
    assert "ArtifactCorrupt" in client.get("/ready").text
    assert str(tmp_path) not in client.get("/ready").text


def test_a_failure_is_remembered_briefly(
    app: Flask, loads: list[str | None], clock: Callable[[float], None], tmp_path: Path
) -> None:
    lacking = ModelHolder(str(tmp_path))
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="No trained model is installed"):
            lacking.get()
    assert len(loads) == 1

    clock(ml_api.model.RETRY_SECONDS)
    with pytest.raises(ModelUnavailable, match="No trained model is installed"):
        lacking.get()
    assert len(loads) == 2


def test_a_model_that_arrives_later_is_served(
    make_app: MakeApp, clock: Callable[[float], None], artifact: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    client = make_app(REGRESSION_MODEL_ARTIFACT=str(later)).test_client()
    assert client.get("/ready").status_code == 503

    shutil.copytree(artifact, later)
    clock(ml_api.model.RETRY_SECONDS)

    assert client.get("/ready").status_code == 200


def test_one_failure_is_one_error_in_the_log(
    make_app: MakeApp, clock: Callable[[float], None], tmp_path: Path, log_lines: LogLines
) -> None:
    client = make_app(REGRESSION_MODEL_ARTIFACT=str(tmp_path)).test_client()
    for _ in range(3):
        client.get("/ready")
        clock(ml_api.model.RETRY_SECONDS)

    (line,) = log_lines("model.unavailable")
    assert (line["level"], line["error"]) == ("ERROR", "ModelNotFound")
    assert str(tmp_path) in line["reason"]


def test_an_unforeseen_failure_to_load_is_unavailability(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    def fail(path: str | None = None) -> Model:
        raise MemoryError("no room for the session")

    monkeypatch.setattr(ml_api.model, "load_model", fail)

    answer = make_app().test_client().get("/ready")

    assert answer.status_code == 503
    assert "no room" not in answer.text
    (line,) = log_lines("model.unavailable")
    assert "MemoryError" in line["exc_info"]


def test_golden_houses_are_valued_once(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Model] = []
    check = Model.check_golden

    def count(self: Model) -> list[str]:
        asked.append(self)
        return check(self)

    monkeypatch.setattr(Model, "check_golden", count)
    client = make_app().test_client()

    assert [client.get("/ready").status_code for _ in range(3)] == [200] * 3
    assert len(asked) == 1


def test_a_model_that_fails_its_golden_houses_is_not_ready(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    monkeypatch.setattr(Model, "check_golden", lambda self: ["golden house 0: expected 1, got 2"])

    answer = make_app().test_client().get("/ready")

    assert answer.status_code == 503
    assert "golden houses" in answer.text
    (line,) = log_lines("model.golden_rows_differ")
    assert line["faults"] == ["golden house 0: expected 1, got 2"]


@pytest.mark.parametrize("error", [ArtifactError("golden.json is gone"), RuntimeError("odd")])
def test_golden_houses_that_cannot_be_read_are_unavailability(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(self: Model) -> list[str]:
        raise error

    monkeypatch.setattr(Model, "check_golden", fail)

    answer = make_app().test_client().get("/ready")

    assert answer.status_code == 503
    assert str(error) not in answer.text


def test_warming_loads_the_model(make_app: MakeApp, loads: list[str | None]) -> None:
    app = make_app()

    warm(app)

    assert len(loads) == 1
    with app.app_context():
        holder().get()
    assert len(loads) == 1


def test_warming_survives_a_broken_model(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(REGRESSION_MODEL_ARTIFACT=str(tmp_path))

    warm(app)

    assert app.test_client().get("/health").status_code == 200
