"""Inputs and outputs are logged apart, under one request id, and logging fails no request."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from regression_model import Model

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]

PREDICT = "/v1/regression-model/predict"


def test_input_and_output_are_two_records_under_one_id(
    client: FlaskClient, houses: list[dict[str, Any]], log_lines: LogLines
) -> None:
    body = json.dumps([*houses, {}]).encode()

    answer = client.post(PREDICT, data=body, content_type="application/json")

    given, made = (line for line in log_lines() if line["event"].startswith("predict."))
    assert [given["event"], made["event"]] == ["predict.input", "predict.output"]
    assert given["request_id"] == made["request_id"] == answer.headers["X-Request-ID"]
    assert given["rows"] == len(houses) + 1
    assert given["bytes"] == len(body)
    assert given["sha256"] == hashlib.sha256(body).hexdigest()
    assert (made["rows"], made["priced"]) == (len(houses) + 1, len(houses))
    assert set(made["errors"]) == {"required"}
    assert made["milliseconds"] > 0


def test_a_failing_prediction_leaves_its_input_behind(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    def fail(self: Model, rows: list[Any], **options: Any) -> None:
        raise RuntimeError("the graph broke")

    monkeypatch.setattr(Model, "predict_rows", fail)
    answer = client.post(PREDICT, json={"a": 1})

    assert answer.status_code == 500
    events = [line["event"] for line in log_lines()]
    assert [e for e in events if e != "model.loaded"] == ["predict.input", "request.failed"]


@pytest.mark.parametrize("body", ["[", "[]", '{"NoSuchField": "SECRET"}'])
def test_a_refused_prediction_leaves_its_input_behind(
    client: FlaskClient, body: str, log_lines: LogLines
) -> None:
    client.post(PREDICT, data=body, content_type="application/json")

    lines = log_lines()
    assert "predict.input" in [line["event"] for line in lines]
    assert lines[-1]["event"] == "request.refused"
    assert "SECRET" not in str(lines)


@pytest.mark.parametrize(
    ("env", "settings", "shown"),
    [
        ("production", {}, False),
        ("production", {"ML_API_LOG_VALUES": "on"}, True),
        ("development", {}, True),
        ("development", {"ML_API_LOG_VALUES": "off"}, False),
    ],
)
def test_values_are_logged_only_where_switched_on(
    make_app: MakeApp,
    houses: list[dict[str, Any]],
    log_lines: LogLines,
    env: str,
    settings: dict[str, str],
    shown: bool,
) -> None:
    house = {**houses[0], "NoSuchField": "a value of the input"}

    answer = make_app(env, **settings).test_client().post(PREDICT, json=[house, houses[1]])

    lines = log_lines()
    assert answer.json is not None
    price = answer.json["predictions"][1]
    assert ("a value of the input" in str(lines)) is shown
    assert (str(price) in str(lines)) is shown


@pytest.mark.parametrize("given", ["a", "f00-BA7_x.y", "9" * 128])
def test_a_usable_request_id_is_kept(client: FlaskClient, given: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "9" * 129, "<script>", "é", "a\tb", None])
def test_another_request_id_is_replaced(client: FlaskClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}

    answer = client.get("/nothing", headers=headers)

    made = answer.headers["X-Request-ID"]
    assert len(made) == 32
    assert int(made, 16) >= 0
    assert json.loads(answer.data)["request_id"] == made


class Broken(io.StringIO):
    """Standard output on a full disk, or with nobody at the other end."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str, /) -> int:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError(errno.EPIPE, "Broken pipe")],
)
def test_a_log_that_cannot_be_written_fails_no_request(
    client: FlaskClient,
    houses: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Broken(error))
        answers = [client.post(PREDICT, json=houses[0]), client.get("/nothing")]

    assert [answer.status_code for answer in answers] == [200, 404]
    assert capsys.readouterr().err == ""


def test_a_closed_standard_output_fails_no_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        assert client.get("/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/tmp/\udcff/models", "/tmp/maison à vendre"])  # noqa: S108
def test_a_text_that_is_not_ascii_is_logged_escaped(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    answer = make_app(REGRESSION_MODEL_ARTIFACT=path).test_client().get("/ready")

    lines = capsys.readouterr().out
    assert answer.status_code == 503
    assert lines.isascii()
    assert path in json.loads(lines.splitlines()[0])["reason"]


def test_the_root_logger_is_left_alone(make_app: MakeApp) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)

    make_app()
    make_app()

    assert (list(root.handlers), root.level) == before


def test_no_line_reaches_the_handlers_of_others(client: FlaskClient) -> None:
    others = io.StringIO()
    handler = logging.StreamHandler(others)
    logging.getLogger().addHandler(handler)
    try:
        client.get("/nothing")
    finally:
        logging.getLogger().removeHandler(handler)

    assert others.getvalue() == ""


def test_the_log_level_is_the_configured_one(make_app: MakeApp, log_lines: LogLines) -> None:
    app = make_app(ML_API_LOG_LEVEL="error")
    app.test_client().get("/nothing")
    quiet = log_lines()
    make_app().test_client().get("/nothing")

    assert (quiet, [line["event"] for line in log_lines()]) == ([], ["request.refused"])
