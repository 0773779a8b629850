"""Explanations over HTTP: asked for beside ``inputs``, limited, and refused clearly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from regression_model import load_model

PATH = "/v1/regression-model/predict"
MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]


def test_the_service_explains_as_the_model_does(
    client: FlaskClient, artifact: Path, houses: list[dict[str, Any]]
) -> None:
    body = json.dumps({"inputs": [*houses[:4], {}], "explain": True}).encode()

    answer = client.post(PATH, data=body, content_type="application/json")

    assert answer.status_code == 200
    assert answer.json == load_model(artifact).predict_json(body)
    assert [entry is None for entry in answer.json["explanations"]] == [False] * 4 + [True]


def test_without_explain_the_answer_is_the_one_without_the_key(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    plain = client.post(PATH, json={"inputs": houses})
    declined = client.post(PATH, json={"inputs": houses, "explain": False})

    assert plain.data == declined.data
    assert plain.json is not None
    assert "explanations" not in plain.json


@pytest.mark.parametrize(
    ("extra", "detail"),
    [
        ({"explain": "true"}, "explain must be true or false, got text 'true'"),
        ({"explain": 1}, "explain must be true or false, got number 1"),
        ({"explain": None}, "explain must be true or false, got null"),
        ({"explain": [True]}, "explain must be true or false, got a list"),
        ({"explains": True}, "unknown key 'explains' beside 'inputs'"),
        ({"explain": True, "more": 1}, "unknown key 'more' beside 'inputs'"),
    ],
)
def test_another_key_or_value_is_refused_as_a_whole(
    client: FlaskClient, houses: list[dict[str, Any]], extra: dict[str, Any], detail: str
) -> None:
    answer = client.post(PATH, json={"inputs": houses, **extra})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["detail"].startswith(detail)


def test_more_houses_than_the_limit_are_refused_with_the_limit(
    make_app: MakeApp, houses: list[dict[str, Any]]
) -> None:
    client = make_app(ML_API_MAX_EXPLAINED_ROWS="3").test_client()

    at_limit = client.post(PATH, json={"inputs": houses[:3], "explain": True})
    over = client.post(PATH, json={"inputs": houses[:4], "explain": True})
    plain = client.post(PATH, json={"inputs": houses[:4]})

    assert (at_limit.status_code, over.status_code, plain.status_code) == (200, 422, 200)
    assert over.json is not None
    assert over.json["detail"] == (
        "At most 3 houses are explained in one request, got 4; send fewer houses, or omit explain."
    )


def test_a_model_that_cannot_explain_says_so_and_still_gives_prices(
    make_app: MakeApp,
    without_sales: Path,
    houses: list[dict[str, Any]],
    log_lines: LogLines,
) -> None:
    client = make_app(REGRESSION_MODEL_ARTIFACT=str(without_sales)).test_client()

    answer = client.post(PATH, json={"inputs": houses, "explain": True})

    assert answer.status_code == 503
    assert answer.json is not None
    assert "cannot explain its prices (ArtifactCorrupt)" in answer.json["detail"]
    assert answer.json["type"] == "/docs#cannot-explain"
    assert str(without_sales) not in answer.text
    (line,) = log_lines("model.cannot_explain")
    assert "has no comparables.npz; train a new one" in line["reason"]
    assert client.post(PATH, json={"inputs": houses}).status_code == 200
