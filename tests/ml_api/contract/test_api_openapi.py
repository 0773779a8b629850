"""The contract is valid OpenAPI, says all there is to say of the service, and nothing untrue."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import ml_api
from ml_api.contract.operations import answers
from regression_model import load_model

MakeApp = Callable[..., Flask]
Document = dict[str, Any]

PREDICT = "/v1/regression-model/predict"


@pytest.fixture(scope="module")
def document(app: Flask) -> Document:
    answer = app.test_client().get("/openapi.json")
    assert answer.status_code == 200
    contract: Document = answer.get_json()
    return contract


def judge(document: Document, pointer: str) -> Draft202012Validator:
    """A validator of what the schema at ``pointer`` of the document says."""
    resource = DRAFT202012.create_resource(document)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    return Draft202012Validator({"$ref": f"urn:contract#{pointer}"}, registry=registry)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_valid_openapi(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize(
    "settings", [{"ML_API_KEYS_FILE": "keys"}, {"ML_API_RATE_LIMIT": "9/minute"}]
)
def test_it_is_valid_openapi_with_guards_too(make_app: MakeApp, settings: dict[str, str]) -> None:
    assert [
        error.message
        for error in OpenAPIV31SpecValidator(given(make_app(), settings)).iter_errors()
    ] == []


def given(app: Flask, settings: Mapping[str, str] = MappingProxyType({})) -> Document:
    """The contract of a service with more settings than it was made with."""
    app.config.update(settings)
    from ml_api.contract.openapi import document as contract_of

    return contract_of(app, app.extensions["regression_model"].get())


def test_it_has_every_path_and_method_that_there_is(document: Document, app: Flask) -> None:
    routed = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(document)} == routed


def test_every_operation_has_a_name_words_and_answers(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))
    for path, _, operation in operations(document):
        assert operation["summary"].endswith("."), path
        assert operation["tags"], path
        assert {"200", "500"} <= set(operation["responses"]), path


def test_a_route_asks_for_what_it_says_and_for_nothing_else(make_app: MakeApp) -> None:
    app = make_app()

    @app.post("/reload")
    @answers(str, "text/plain")
    def reload() -> str:
        """Read the model again."""
        return ""

    @app.put("/houses")
    @answers(str, "text/plain", asks="House")
    def keep() -> str:
        """Keep a house."""
        return ""

    found = {path: operation for path, _, operation in operations(given(app))}

    bodies = {path: said["requestBody"] for path, said in found.items() if "requestBody" in said}
    asked = {path: body["content"]["application/json"] for path, body in bodies.items()}
    assert {path: body["schema"]["$ref"].rpartition("/")[2] for path, body in asked.items()} == {
        PREDICT: "PredictRequest",
        "/v1/predict": "PredictRequest",
        "/houses": "House",
    }
    assert "examples" not in asked["/houses"]
    assert "examples" not in content({}, found["/reload"], "200")


def test_it_names_service_and_model(document: Document, artifact: Path) -> None:
    model = load_model(artifact)

    assert document["info"]["version"] == ml_api.__version__
    assert document["info"]["title"] == model.spec.name
    assert document["info"]["x-model"] == model.info()


# Houses


def test_every_field_has_unit_levels_limits_range_and_example(
    document: Document, artifact: Path
) -> None:
    spec = load_model(artifact).spec
    fields = document["components"]["schemas"]["House"]["properties"]

    assert set(fields) == {
        name for f in spec.features if f is not spec.target for name in (f.name, *f.aliases)
    }
    for f in spec.features:
        for name in (f.name, *f.aliases) if f is not spec.target else ():
            said = fields[name]
            assert said["description"]
            assert said.get("x-unit", "") == f.unit
            assert said.get("x-levels", []) == list(f.levels)
            assert (said.get("minimum"), said.get("maximum")) == (f.minimum, f.maximum)
            assert said.get("x-training-range") == (None if f.range is None else list(f.range))
            assert said["examples"]


def test_every_example_of_a_field_is_valid(document: Document) -> None:
    fields = document["components"]["schemas"]["House"]["properties"]

    for name, said in fields.items():
        field = judge(document, f"/components/schemas/House/properties/{name}")
        assert [value for value in said["examples"] if not field.is_valid(value)] == []


def test_the_house_is_the_one_of_the_schema_route(client: FlaskClient, document: Document) -> None:
    schema = client.get("/v1/regression-model/schema").get_json()

    assert schema == document["components"]["schemas"]["House"] | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A house (Ames house prices)",
    }


# Examples


def content(document: Document, operation: Document, status: str) -> Document:
    answer = operation["responses"][status]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    (found,) = answer["content"].values()
    return dict(found)


def test_every_example_is_answered_as_it_says(client: FlaskClient, document: Document) -> None:
    operation = document["paths"][PREDICT]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["examples"]
    answered = content(document, operation, "200")["examples"]
    assert list(asked) == list(answered) == ["least", "complete", "spoiled", "explained"]

    for name, example in asked.items():
        answer = client.post(PREDICT, json=example["value"])

        assert answer.status_code == 200
        assert answer.get_json() == answered[name]["value"]


def test_the_example_of_a_refusal_is_a_real_one(client: FlaskClient, document: Document) -> None:
    found = content(document, document["paths"][PREDICT]["post"], "422")
    ((_, example),) = found["examples"].items()

    said = client.post(PREDICT, json=[{}]).get_json()

    assert example["value"] == said | {"request_id": example["value"]["request_id"]}


def test_every_example_is_valid(document: Document) -> None:
    seen = 0
    for path, method, operation in operations(document):
        at = f"/paths/{path.replace('/', '~1')}/{method}"
        for where, found in contents(document, operation, at):
            for name, example in found.get("examples", {}).items():
                errors = judge(document, f"{where}/schema").iter_errors(example["value"])
                assert [error.message for error in errors] == [], (path, name)
                seen += 1
    assert seen == 2 * (4 + 4 + 1)


def contents(document: Document, operation: Document, at: str) -> Iterator[tuple[str, Document]]:
    """Every body of an operation with its place in the document."""
    parts = {f"{at}/requestBody": operation.get("requestBody", {})}
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            name = answer["$ref"].removeprefix("#")
            parts[name] = document["components"]["responses"][name.rpartition("/")[2]]
        else:
            parts[f"{at}/responses/{status}"] = answer
    for where, part in parts.items():
        for media_type, found in part.get("content", {}).items():
            yield f"{where}/content/{media_type.replace('/', '~1')}", found


@pytest.mark.parametrize("name", ["least", "complete"])
def test_an_example_that_is_spoiled_is_not_valid(document: Document, name: str) -> None:
    body = document["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]
    house = body["examples"][name]["value"]
    request = judge(document, "/components/schemas/PredictRequest")

    assert request.is_valid(house)
    for field in house:
        assert not request.is_valid({**house, field: []})
    assert not request.is_valid({**house, "NoSuchField": 1})


def test_a_model_that_cannot_explain_has_a_contract_without_explanations(
    make_app: MakeApp, without_sales: Path
) -> None:
    answer = (
        make_app(REGRESSION_MODEL_ARTIFACT=str(without_sales)).test_client().get("/openapi.json")
    )

    assert answer.status_code == 200
    body = answer.get_json()["paths"][PREDICT]["post"]["requestBody"]["content"]
    assert list(body["application/json"]["examples"]) == ["least", "complete", "spoiled"]


# Answers


@pytest.mark.parametrize("path", ["/ready", "/version", PREDICT])
def test_an_answer_has_the_fields_of_its_schema_and_no_other(
    client: FlaskClient, document: Document, path: str
) -> None:
    ((method, operation),) = document["paths"][path].items()
    found = content(document, operation, "200")
    schema = document["components"]["schemas"][found["schema"]["$ref"].rpartition("/")[2]]
    house = {**least(document), "Id": 1}
    too_much = {**house, **{f"field {i}": i for i in range(30)}}
    asked = {"explain": True, "inputs": [house, too_much]}

    answer = client.open(path, method=method.upper(), json=asked if method == "post" else None)

    said = answer.get_json()
    assert set(said) == set(schema["properties"])
    pointer = found["schema"]["$ref"].removeprefix("#")
    assert [error.message for error in judge(document, pointer).iter_errors(said)] == []


def least(document: Document) -> dict[str, Any]:
    operation = document["paths"][PREDICT]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    return dict(body["examples"]["least"]["value"])


def test_the_codes_of_errors_and_warnings_are_listed(document: Document) -> None:
    schemas = document["components"]["schemas"]
    code = schemas["Issue"]["properties"]["code"]

    assert [one["$ref"].rpartition("/")[2] for one in code["anyOf"]] == ["ErrorCode", "WarningCode"]
    assert "impossible_value" in schemas["ErrorCode"]["enum"]
    assert "unseen_level" in schemas["WarningCode"]["enum"]


# Guards


def test_keys_are_spoken_of_where_they_are_asked_for(make_app: MakeApp, document: Document) -> None:
    guarded = given(make_app(), {"ML_API_KEYS_FILE": "keys"})

    assert "securitySchemes" not in document["components"]
    assert set(guarded["components"]["securitySchemes"]) == {"bearer", "key"}
    for path, _, operation in operations(guarded):
        guarded = path not in ("/health", "/ready")
        assert ("security" in operation) is guarded
        assert ("401" in operation["responses"]) is guarded
        assert ({} in operation.get("security", ())) is path.startswith(("/docs", "/openapi"))
    for _, _, operation in operations(document):
        assert "security" not in operation
        assert "401" not in operation["responses"]


def test_a_rate_limit_is_spoken_of_where_there_is_one(
    make_app: MakeApp, document: Document
) -> None:
    limit = {"ML_API_RATE_LIMIT": "9/minute"}
    limited = given(make_app(), limit)
    closed = given(make_app(), limit | {"ML_API_RATE_LIMIT_FAILURE": "closed"})

    assert "Retry-After" in limited["components"]["responses"]["TooManyRequests"]["headers"]
    assert having(limited, "429") == having(limited, "200") - {"/health", "/ready"}
    assert having(document, "429") == set()
    assert having(closed, "503") - having(limited, "503") == {"/docs/{asset}", "/metrics"}


def test_a_refused_host_is_spoken_of_where_hosts_are_named(
    make_app: MakeApp, document: Document
) -> None:
    named = given(make_app(), {"ML_API_TRUSTED_HOSTS": ("example.com",)})

    assert having(named, "400") == having(named, "200") - {"/health", "/ready"}
    assert having(document, "400") == {PREDICT, "/v1/predict"}


def having(document: Document, status: str) -> set[str]:
    """The paths that may be answered with ``status``."""
    return {path for path, _, found in operations(document) if status in found["responses"]}


# Service


def test_without_a_model_it_is_unavailable(make_app: MakeApp) -> None:
    client = make_app(REGRESSION_MODEL_ARTIFACT="/nowhere/to/be/found").test_client()

    for path in ("/openapi.json", "/docs"):
        answer = client.get(path)

        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0


def test_it_is_sent_once_and_asked_for_again_by_name(client: FlaskClient) -> None:
    first = client.get("/openapi.json")
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get("/openapi.json", headers={"If-None-Match": '"another"'})

    assert first.headers["Cache-Control"] == "no-cache"
    assert first.content_type == "application/json"
    assert (again.status_code, again.data) == (304, b"")
    assert (other.status_code, other.data) == (200, first.data)
    assert again.headers["ETag"] == first.headers["ETag"]


def test_it_is_strict_json(client: FlaskClient) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(client.get("/openapi.json").data, parse_constant=refuse)
