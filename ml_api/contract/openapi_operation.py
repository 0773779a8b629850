"""What the contract says of one operation: who may be asked what, and every answer.

Objects of OpenAPI 3.1 as they stand in the document.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from flask import Config
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import Rule

from ml_api.contract.examples import Example
from ml_api.contract.operations import Operation
from ml_api.guards.paths import OPEN_PATHS, wants_key

JSON = dict[str, Any]


class Route(NamedTuple):
    """A path with the function that answers it, and what is said of it."""

    rule: Rule
    view: Callable[..., Any]
    operation: Operation


def operation_object(route: Route, config: Config, *, answer: JSON, shown: list[Example]) -> JSON:
    """Return what the contract says of ``route``.

    ``answer`` is the schema of its answer, ``shown`` are examples of what it is asked.
    """
    rule, view, operation = route
    summary, _, description = (inspect.getdoc(view) or "").partition("\n")
    blueprint, _, name = rule.endpoint.rpartition(".")
    guards = () if rule.rule in OPEN_PATHS else {*_guards(config)}
    refusals = sorted({*operation.refusals, *guards, 500})
    said: JSON = {
        "operationId": name,
        "summary": summary,
        "tags": [blueprint],
        "responses": {
            **_success(operation, summary, answer, shown),
            **{str(status): reference("responses", name_of(status)) for status in refusals},
        },
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
    if 401 in guards:
        keys: list[JSON] = [{"bearer": []}, {"key": []}]
        said["security"] = keys if wants_key(rule.rule) else [{}, *keys]
    if operation.asks:
        said["requestBody"] = _body(operation.asks, shown)
    return said


def _success(operation: Operation, summary: str, answer: JSON, shown: list[Example]) -> JSON:
    names = ("X-Request-ID", "ETag") if operation.conditional else ("X-Request-ID",)
    content: JSON = {"schema": answer}
    if examples := _examples(shown, "answer"):
        content["examples"] = examples
    responses: JSON = {
        "200": {
            "description": summary,
            "headers": headers(*names),
            "content": {operation.media_type: content},
        }
    }
    if operation.conditional:
        responses["304"] = {
            "description": "What `If-None-Match` names is still the answer.",
            "headers": headers(*names),
        }
    return responses


def _body(schema: str, shown: list[Example]) -> JSON:
    """Return the body of a request to a route: the component ``schema``, and its examples."""
    content: JSON = {"schema": reference("schemas", schema)}
    if examples := _examples(shown, "request"):
        content["examples"] = examples
    return {"required": True, "content": {"application/json": content}}


def _examples(shown: list[Example], part: Literal["request", "answer"]) -> JSON:
    """Return the requests that are answered, or their answers."""
    return {
        example.name: {"summary": example.summary, "value": getattr(example, part)}
        for example in shown
        if example.answer is not None
    }


def _guards(config: Config) -> Iterator[int]:
    """Yield what the guards that are switched on answer."""
    if config.get("ML_API_TRUSTED_HOSTS"):
        yield 400
    if config.get("ML_API_KEYS_FILE"):
        yield from (401, 503)
    if config.get("ML_API_RATE_LIMIT"):
        yield 429
        if config.get("ML_API_RATE_LIMIT_FAILURE") == "closed":
            yield 503


def headers(*names: str) -> JSON:
    """References to headers of answers."""
    return {name: reference("headers", name) for name in names}


def name_of(status: int) -> str:
    """Return what answers with ``status`` are called among the components."""
    return HTTP_STATUS_CODES[status].replace(" ", "")


def reference(kind: str, name: str) -> JSON:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}
