"""Every route answers what the documentation says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import ml_api
from regression_model import load_model

PREDICT = "/v1/regression-model/predict"


def test_health_is_plain_ok(client: FlaskClient) -> None:
    answer = client.get("/health")

    assert (answer.status_code, answer.text, answer.mimetype) == (200, "ok", "text/plain")


def test_ready_names_the_model_that_has_the_prices_of_its_golden_houses(
    client: FlaskClient, artifact: Path
) -> None:
    answer = client.get("/ready")

    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "model_version": load_model(artifact).version}


def test_version_names_model_and_service(client: FlaskClient, artifact: Path) -> None:
    answer = client.get("/version")

    assert answer.status_code == 200
    assert answer.json == {
        **load_model(artifact).info(),
        "origin": "folder",
        "api_version": ml_api.__version__,
        "revision": None,
    }
    assert set(answer.json) == {
        *("model_version", "api_version", "artifact", "origin", "data", "trained_at", "revision")
    }


def test_schema_describes_the_fields_that_predict_takes(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    answer = client.get("/v1/regression-model/schema")

    assert answer.status_code == 200
    assert answer.json is not None
    assert set(houses[0]) <= set(answer.json["properties"])


def test_predict_answers_what_the_model_answers(
    client: FlaskClient, artifact: Path, houses: list[dict[str, Any]]
) -> None:
    body = json.dumps({"inputs": houses}).encode()

    answer = client.post(PREDICT, data=body, content_type="application/json")

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.json == load_model(artifact).predict_json(body)


def test_both_paths_of_predict_are_one(client: FlaskClient, houses: list[dict[str, Any]]) -> None:
    assert client.post("/v1/predict", json=houses).data == client.post(PREDICT, json=houses).data


def test_a_bare_house_a_list_of_one_and_inputs_are_one_request(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    house = houses[0]

    bare, listed, wrapped = (
        client.post(PREDICT, json=shape) for shape in (house, [house], {"inputs": [house]})
    )

    assert bare.status_code == 200
    assert bare.data == listed.data == wrapped.data


def test_good_rows_are_priced_beside_bad_ones(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    first, last = houses[:2]
    alone = client.post(PREDICT, json=[first, last]).json
    assert alone is not None

    answer = client.post(PREDICT, json=[first, {"NoSuchField": 1}, "a house", last])

    assert answer.status_code == 200
    assert answer.json is not None
    prices = answer.json["predictions"]
    assert [prices[0], prices[3]] == alone["predictions"]
    assert prices[1:3] == answer.json["intervals"][1:3] == [None, None]
    assert {error["row"] for error in answer.json["errors"]} == {1, 2}


def test_the_charset_of_the_content_type_may_be_utf_8(
    client: FlaskClient, houses: list[dict[str, Any]]
) -> None:
    answer = client.post(
        PREDICT, data=json.dumps(houses[0]), content_type="application/json; charset=UTF-8"
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/version", PREDICT])
def test_options_lists_the_methods(client: FlaskClient, path: str) -> None:
    answer = client.options(path)

    assert answer.status_code == 200
    assert "OPTIONS" in answer.headers["Allow"]
