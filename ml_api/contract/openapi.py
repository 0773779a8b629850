"""The contract as OpenAPI 3.1, derived: from the routes, the types of answers and the model.

Loaded by the first who asks for it. Schemas of answers come from their types by pydantic, those of
houses from the model's own description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from flask import Config, Flask
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_json
from werkzeug.routing import Rule

from ml_api.contract.examples import Example, examples
from ml_api.contract.openapi_operation import (
    JSON,
    Route,
    headers,
    name_of,
    operation_object,
    reference,
)
from ml_api.contract.operations import PREDICT_REQUEST, operation_of
from ml_api.errors import MEDIA_TYPE, ProblemDetails
from ml_api.problems import PROBLEMS
from ml_api.version import VERSION
from regression_model import Model

DESCRIPTION = """\
What is a house worth? Send houses, get prices in dollars, each with its range.

Every answer carries `X-Request-ID`. Every error is problem details (RFC 9457): 404 for another path
and 405 for another method included.
"""
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
    """Return the document as JSON."""
    return to_json(document(app, model))


def document(app: Flask, model: Model) -> JSON:
    """Return what ``app`` answers with ``model``."""
    routes = [*_routes(app)]
    answers, schemas = _schemas(routes)
    shown = examples(model)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": model.spec.name,
            "description": DESCRIPTION,
            "version": VERSION,
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
            "x-model": model.info(),
        },
        "paths": {
            _path(route.rule): {
                method.lower(): operation_object(
                    route,
                    app.config,
                    answer=answers[route.rule.endpoint],
                    shown=shown if route.operation.asks == PREDICT_REQUEST else [],
                )
                for method in sorted((route.rule.methods or set()) - {"HEAD", "OPTIONS"})
            }
            for route in routes
        },
        "components": _components(model, app.config, schemas=schemas, shown=shown),
    }


def _components(model: Model, config: Config, *, schemas: JSON, shown: list[Example]) -> JSON:
    house = model.json_schema()
    components: JSON = {
        "schemas": {
            # Named by their keys, in the dialect of the document.
            "House": {key: house[key] for key in house if key not in ("$schema", "title")},
            PREDICT_REQUEST: model.request_schema(reference("schemas", "House")),
            **schemas,
        },
        "responses": {name_of(status): _refusal(status, shown) for status in _statuses()},
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in HEADERS.items()
        },
    }
    if config.get("ML_API_KEYS_FILE"):
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return components


def _routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is not None:
            yield Route(rule, view, operation)


def _schemas(routes: list[Route]) -> tuple[dict[str, JSON], JSON]:
    """Return the schema of the answer of each endpoint, and what these refer to."""
    types = {route.rule.endpoint: route.operation.answer for route in routes}
    types["problem"] = ProblemDetails
    refs, found = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(answer)) for name, answer in types.items()],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    return {name: refs[name, "serialization"] for name in types}, found["$defs"]


def _refusal(status: int, shown: list[Example]) -> JSON:
    problems = [problem for problem in PROBLEMS if problem.status == status]
    described = [
        f"{f'`{problem.type}`: ' if problem.name else ''}{problem.when}; {problem.remedy}."
        for problem in problems
    ]
    names = ["X-Request-ID", *([HEADERS_OF[status]] if status in HEADERS_OF else [])]
    content: JSON = {"schema": reference("schemas", "ProblemDetails")}
    real = {
        example.name: {"summary": example.summary, "value": example.problem}
        for example in shown
        if example.problem is not None and example.problem["status"] == status
    }
    if real:
        content["examples"] = real
    return {
        "description": "\n\n".join(text[0].upper() + text[1:] for text in described),
        "headers": headers(*names),
        "content": {MEDIA_TYPE: content},
    }


def _statuses() -> list[int]:
    return sorted({problem.status for problem in PROBLEMS})


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
