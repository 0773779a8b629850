"""``docs/api.md`` describes the service that there is, and its example works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

from flask import Flask
from flask.testing import FlaskClient

from ml_api.contract import snippets
from regression_model.reading.issues import ErrorCode, WarningCode

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text("utf-8")


def test_the_example_works(client: FlaskClient) -> None:
    (path, body), *_ = re.findall(r"curl -s http://localhost:5000(\S+).*? -d '(.*?)'", TEXT, re.S)
    promised = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.S)[0])

    answer = client.post(path, data=body, content_type="application/json")

    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == set(promised)
    assert answer.json["warnings"] == []


def test_the_example_of_an_explanation_has_the_shape_of_the_answer(client: FlaskClient) -> None:
    _, (path, body) = re.findall(r"curl -s http://localhost:5000(\S+).*? -d '(.*?)'", TEXT, re.S)
    promised = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.S)[1])

    answer = client.post(path, data=body, content_type="application/json")

    assert answer.json is not None
    assert_shaped(promised, answer.json)


def assert_shaped(promised: Any, given: Any) -> None:
    """Every key that is promised is given, with a value of the same kind."""
    if isinstance(promised, dict):
        for key, value in promised.items():
            assert_shaped(value, given[key])
    elif isinstance(promised, list):
        assert_shaped(promised[0], given[0])
    else:
        assert type(promised) is type(given)


def test_the_example_of_what_is_omitted_has_the_shape_of_the_answer(client: FlaskClient) -> None:
    promised = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.S)[3])

    answer = client.post("/v1/predict", json={f"field {i}": i for i in range(50)})

    assert answer.json is not None
    assert [list(left) for left in promised["omitted"]] == [list(answer.json["omitted"][0])] * 2
    assert answer.json["omitted"][0]["field"] is promised["omitted"][1]["field"] is None
    assert_shaped(promised["omitted"][1], answer.json["omitted"][0])


def test_every_route_is_documented(app: Flask) -> None:
    documented = set(re.findall(r"`(?:GET|POST) (/\S+)`", TEXT))

    assert documented == {rule.rule for rule in app.url_map.iter_rules()}


def test_the_program_is_the_one_that_the_contract_gives(app: Flask, client: FlaskClient) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    (house,) = re.findall(r"^house = (.*)$", program, re.M)
    document = client.get("/openapi.json").get_json()

    call = snippets.call_of(document, "http://localhost:5000/")

    assert set(json.loads(house)) == set(call.house)
    assert program == snippets.python(call._replace(house=json.loads(house)))


def test_every_code_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (row without a price|price) \|", TEXT, re.M)

    assert rows == [
        *((code, "row without a price") for code in get_args(ErrorCode.__value__)),
        *((code, "price") for code in get_args(WarningCode.__value__)),
    ]


def test_the_error_shape_is_documented(client: FlaskClient) -> None:
    promised = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.S)[2])

    answer = client.post("/v1/predict", json={})

    assert answer.json is not None
    assert list(answer.json) == list(promised)
    assert answer.json["detail"] == promised["detail"]
