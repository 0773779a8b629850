"""Every error has one shape, tells the client what to do, and discloses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import TestResponse

from ml_api.answers import json_response
from ml_api.problems import NO_ROW_PRICED, PROBLEMS, TOO_MANY_TO_EXPLAIN, Problem, of_status
from regression_model import CheckFailed

MakeApp = Callable[..., Flask]

PREDICT = "/v1/regression-model/predict"
JSON = "application/json"
SHAPE = {"type", "title", "status", "detail", "request_id"}


@pytest.fixture
def fragile(make_app: MakeApp) -> FlaskClient:
    """A service with a small limit and with routes that fail in their own ways."""
    app = make_app(ML_API_MAX_BODY_BYTES="100")
    secret = Path(__file__)

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError(f"cannot open {secret}")

    @app.get("/fails-on-purpose")
    def fails_on_purpose() -> str:
        raise CheckFailed(f"the model in {secret} is worse")

    @app.get("/aborts")
    def aborts() -> str:
        abort(500, description=f"see {secret}")

    @app.get("/refuses/<int:status>")
    def refuses(status: int) -> str:
        abort(status)

    return app.test_client()


def without_model(make_app: MakeApp) -> FlaskClient:
    return make_app(REGRESSION_MODEL_ARTIFACT="/nowhere/to/be/found").test_client()


def ask(client: FlaskClient, status: int) -> TestResponse:
    """A request that is answered with ``status``."""
    requests: dict[int, Any] = {
        400: lambda: client.post(PREDICT, data="{", content_type=JSON),
        404: lambda: client.get("/nothing/here"),
        405: lambda: client.get(PREDICT),
        413: lambda: client.post(PREDICT, data=" " * 101, content_type=JSON),
        415: lambda: client.post(PREDICT, data="{}", content_type="text/plain"),
        422: lambda: client.post(PREDICT, data="[]", content_type=JSON),
        500: lambda: client.get("/fails"),
        503: lambda: client.post(PREDICT, data="{}", content_type=JSON),
    }
    # The others are those of guards, which are off; the handler of errors is the same.
    answer: TestResponse = requests.get(status, lambda: client.get(f"/refuses/{status}"))()
    return answer


@pytest.fixture(scope="module")
def contract(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


@pytest.mark.parametrize("status", sorted({problem.status for problem in PROBLEMS}))
def test_every_status_has_the_one_shape(
    fragile: FlaskClient, make_app: MakeApp, contract: dict[str, Any], status: int
) -> None:
    client = without_model(make_app) if status == 503 else fragile

    answer = ask(client, status)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = json.loads(answer.data)
    assert set(problem) == SHAPE
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    Draft202012Validator({**contract, **problem_schema(contract, status)}).validate(problem)


def problem_schema(contract: dict[str, Any], status: int) -> dict[str, Any]:
    """What the contract says of answers with ``status``, of any operation."""
    (said,) = (
        response
        for name, response in contract["components"]["responses"].items()
        if name == HTTP_STATUS_CODES[status].replace(" ", "")
    )
    (content,) = said["content"].items()
    assert content[0] == "application/problem+json"
    schema: dict[str, Any] = content[1]["schema"]
    return schema


@pytest.mark.parametrize("status", [400, 408, 413, 415, 422, 500, 503])
def test_every_status_of_a_price_is_in_the_contract(contract: dict[str, Any], status: int) -> None:
    answers = contract["paths"][PREDICT]["post"]["responses"]

    assert answers[str(status)]["$ref"] in {
        f"#/components/responses/{name}" for name in contract["components"]["responses"]
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([{}], NO_ROW_PRICED),
        ({"inputs": [{}, {}], "explain": True}, TOO_MANY_TO_EXPLAIN),
        ([], of_status(422)),
    ],
)
def test_a_type_tells_problems_of_one_status_apart(
    make_app: MakeApp, body: Any, problem: Problem
) -> None:
    answer = make_app(ML_API_MAX_EXPLAINED_ROWS="1").test_client().post(PREDICT, json=body)

    assert answer.status_code == problem.status == 422
    assert answer.json is not None
    assert (answer.json["type"], answer.json["title"]) == (problem.type, problem.title)
    assert (problem.type == "about:blank") is (problem.title == "Unprocessable Entity")


def test_rows_without_a_price_add_only_their_errors(client: FlaskClient) -> None:
    answer = client.post(PREDICT, json={})

    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json) == SHAPE | {"errors"}
    assert set(answer.json["errors"][0]) == {"row", "field", "code", "message", "value"}


def test_a_refusal_is_short_however_much_is_wrong(client: FlaskClient) -> None:
    house = {f"field {i}": i for i in range(900)}

    answer = client.post(PREDICT, json=[house] * 3)

    assert answer.json is not None
    assert set(answer.json) == SHAPE | {"errors", "omitted"}
    assert len(answer.data) < len(json.dumps([house] * 3)) / 2
    assert answer.json["omitted"] == [
        {"code": "unknown_field", "field": None, "count": 3 * 884, "rows": [0, 2]}
    ]


@pytest.mark.parametrize(
    "path", ["/v1//predict", "/v1/predict/", "/static/x", "/%ff%00", "/health/"]
)
def test_another_path_is_no_redirect(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={})

    assert answer.status_code == 404
    assert set(json.loads(answer.data)) == SHAPE


def test_numbers_that_json_lacks_become_null(app: Flask) -> None:
    with app.app_context():
        answer = json_response({"a": float("nan"), "b": [float("inf")]})

    assert json.loads(answer.data) == {"a": None, "b": [None]}


def test_405_says_which_methods_there_are(client: FlaskClient) -> None:
    answer = client.delete(PREDICT)

    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert "POST" in json.loads(answer.data)["detail"]


def test_503_says_when_to_come_back(make_app: MakeApp) -> None:
    answer = ask(without_model(make_app), 503)

    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/fails", "/fails-on-purpose", "/aborts"])
def test_a_failure_of_ours_discloses_nothing(fragile: FlaskClient, path: str) -> None:
    answer = fragile.get(path)

    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert str(Path(__file__).parent) not in answer.text
    assert "log" in json.loads(answer.data)["detail"]


def test_a_failure_of_ours_leaves_its_traceback_in_the_log(
    fragile: FlaskClient, log_lines: Any
) -> None:
    answer = fragile.get("/fails")

    (line,) = log_lines("request.failed")
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert "cannot open" in line["exc_info"]


@pytest.mark.parametrize("path", ["/ready", "/version", "/v1/regression-model/schema"])
def test_a_missing_model_discloses_no_path(make_app: MakeApp, path: str) -> None:
    answer = without_model(make_app).get(path)

    assert answer.status_code == 503
    assert "nowhere" not in answer.text


def test_no_answer_echoes_a_whole_body(client: FlaskClient) -> None:
    for body in ('"' + "x" * 5000 + '"', json.dumps({"x" * 5000: "y" * 5000})):
        answer = client.post(PREDICT, data=body, content_type=JSON)

        assert answer.status_code == 422
        assert "x" * 200 not in answer.text
        assert "y" * 200 not in answer.text


def test_debugging_shows_no_more_than_production(make_app: MakeApp) -> None:
    app: Flask = make_app("development")

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("a secret")

    answer = app.test_client().get("/fails")

    assert answer.status_code == 500
    assert "secret" not in answer.text
