"""The contract as OpenAPI 3.1, derived: from the routes, the types of answers and the model.

Loaded by the first who asks for it. Schemas of answers come from their types by pydantic, those of
houses from the model's own description.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from flask import Flask
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_json
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import Rule

import ml_api
from ml_api.errors import MEDIA_TYPE, ProblemDetails
from ml_api.examples import Example, examples
from ml_api.operations import Operation, operation_of
from ml_api.problems import PROBLEMS
from regression_model import Model

JSON = dict[str, Any]

DESCRIPTION = """\
What is a house worth? Send houses, get prices in dollars, each with its range.

Every answer carries `X-Request-ID`. Every error is problem details (RFC 9457): 404 for another path
and 405 for another method included.
"""
SCHEMAS = "#/components/schemas/{model}"
SECURED = "/v1/"
HEADERS = {
    "X-Request-ID": "The id of the request: the one it brought, or a new one.",
    "ETag": "Names this version of the answer, for If-None-Match.",
    "Allow": "The methods that the path has.",
    "Retry-After": "Seconds after which to come back.",
    "WWW-Authenticate": "How to send a key.",
}
HEADERS_OF = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


class _Untitled(GenerateJsonSchema):
    """Fields are called by their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@lru_cache(maxsize=1)
def encoded(app: Flask, model: Model) -> bytes:
    """The document as JSON."""
    return to_json(document(app, model))


def document(app: Flask, model: Model) -> JSON:
    """What ``app`` answers with ``model``."""
    routes = [*_routes(app)]
    refs, schemas = _schemas({rule.endpoint: operation for rule, operation, _ in routes})
    shown = examples(model)
    keys = app.config.get("ML_API_KEYS_FILE") is not None
    guards = [429] if app.config.get("ML_API_RATE_LIMIT") is not None else []
    paths: JSON = {}
    for rule, operation, view in routes:
        secured = keys and rule.rule.startswith(SECURED)
        statuses = {*operation.refusals, *guards, *((401, 403) if secured else ()), 500}
        said = _said(rule, operation, view, answer=refs[rule.endpoint], statuses=statuses)
        if secured:
            said["security"] = [{"bearer": []}, {"key": []}]
        if "POST" in (rule.methods or ()):
            _ask(said, shown)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(_path(rule), {})[method.lower()] = said
    schemas["House"] = _without_dialect(model.json_schema())
    schemas["PredictRequest"] = model.request_schema({"$ref": SCHEMAS.format(model="House")})
    return {
        "openapi": "3.1.1",
        "info": {
            "title": model.spec.name,
            "description": DESCRIPTION,
            "version": ml_api.__version__,
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
            "x-model": model.info(),
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {_name(status): _refusal(status, shown) for status in _statuses()},
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in HEADERS.items()
            },
            **({"securitySchemes": _security_schemes()} if keys else {}),
        },
    }


def _routes(app: Flask) -> Iterator[tuple[Rule, Operation, Any]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is not None:
            yield rule, operation, view


def _schemas(operations: dict[str, Operation]) -> tuple[dict[str, JSON], JSON]:
    """The schema of the answer of each endpoint, and what these refer to."""
    types = {name: operation.answer for name, operation in operations.items()}
    types["problem"] = ProblemDetails
    refs, found = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(answer)) for name, answer in types.items()],
        ref_template=SCHEMAS,
        schema_generator=_Untitled,
    )
    return {name: refs[name, "serialization"] for name in types}, found["$defs"]


def _said(
    rule: Rule, operation: Operation, view: Any, *, answer: JSON, statuses: Iterable[int]
) -> JSON:
    summary, _, description = (inspect.getdoc(view) or "").partition("\n")
    blueprint, _, name = rule.endpoint.rpartition(".")
    responses: JSON = {
        "200": {
            "description": summary,
            "headers": _headers("X-Request-ID", *(["ETag"] if operation.conditional else [])),
            "content": {operation.media_type: {"schema": answer}},
        }
    }
    if operation.conditional:
        responses["304"] = {
            "description": "What `If-None-Match` names is still the answer.",
            "headers": _headers("X-Request-ID", "ETag"),
        }
    for status in sorted(statuses):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    said: JSON = {
        "operationId": name,
        "summary": summary,
        "tags": [blueprint],
        "responses": responses,
    }
    if description.strip():
        said["description"] = description.strip()
    if operation.choices:
        said["parameters"] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "enum": sorted(choices)},
            }
            for name, choices in operation.choices.items()
        ]
    return said


def _ask(said: JSON, shown: list[Example]) -> None:
    """Add what is asked, and examples of questions and answers."""
    priced = [example for example in shown if example.answer is not None]
    said["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": SCHEMAS.format(model="PredictRequest")},
                "examples": {
                    example.name: {"summary": example.summary, "value": example.request}
                    for example in priced
                },
            }
        },
    }
    said["responses"]["200"]["content"]["application/json"]["examples"] = {
        example.name: {"summary": example.summary, "value": example.answer} for example in priced
    }


def _refusal(status: int, shown: list[Example]) -> JSON:
    problems = [problem for problem in PROBLEMS if problem.status == status]
    described = [
        f"{f'`{problem.type}`: ' if problem.name else ''}{problem.when}; {problem.remedy}."
        for problem in problems
    ]
    headers = ["X-Request-ID", *([HEADERS_OF[status]] if status in HEADERS_OF else [])]
    content: JSON = {"schema": {"$ref": SCHEMAS.format(model="ProblemDetails")}}
    real = {
        example.name: {"summary": example.summary, "value": example.problem}
        for example in shown
        if example.problem is not None and example.problem["status"] == status
    }
    if real:
        content["examples"] = real
    return {
        "description": "\n\n".join(text[0].upper() + text[1:] for text in described),
        "headers": _headers(*headers),
        "content": {MEDIA_TYPE: content},
    }


def _security_schemes() -> JSON:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }


def _headers(*names: str) -> JSON:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _statuses() -> list[int]:
    return sorted({problem.status for problem in PROBLEMS})


def _name(status: int) -> str:
    return HTTP_STATUS_CODES[status].replace(" ", "")


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


def _without_dialect(schema: JSON) -> JSON:
    return {key: value for key, value in schema.items() if key != "$schema"}
