"""JSON lines on standard output, each with the id of its request.

Logging never fails a request: a line that cannot be written is dropped.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import uuid
from collections import Counter
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

from regression_model import Issue, Prediction

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

logger = logging.getLogger("ml_api")


class StdoutHandler(logging.StreamHandler[Any]):
    """Writes to what is standard output now, and gives up on a line that cannot be written."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Drop the line: the library's way is a traceback on standard error for each request."""


def init_app(app: Flask) -> None:
    """Send the service's log to standard output and give every request its id."""
    logger.setLevel(app.config["ML_API_LOG_LEVEL"].upper())
    # The root logger belongs to whoever runs the process, so the lines stop here.
    logger.propagate = False
    if not any(isinstance(handler, StdoutHandler) for handler in logger.handlers):
        handler = StdoutHandler()
        handler.setFormatter(
            JsonFormatter(
                ["levelname", "message"],
                timestamp=True,
                rename_fields={"levelname": "level", "message": "event"},
            )
        )
        logger.addHandler(handler)
    app.before_request(_take_request_id)
    app.after_request(_return_request_id)


def request_id() -> str:
    """The id of the current request."""
    return str(g.request_id)


def info(event: str, **fields: object) -> None:
    _log(logging.INFO, event, fields)


def error(event: str, *, exc_info: bool = False, **fields: object) -> None:
    _log(logging.ERROR, event, fields, exc_info=exc_info)


def predict_input(body: bytes, *, rows: int | None) -> None:
    """Record an input before it is scored, so that a failing prediction leaves it behind.

    ``rows`` is None where the body could not be read as houses.
    """
    digest = hashlib.sha256(body).hexdigest()
    fields: dict[str, object] = {"rows": rows, "bytes": len(body), "sha256": digest}
    if current_app.config["ML_API_LOG_VALUES"]:
        fields["body"] = body.decode("utf-8", "replace")
    info("predict.input", **fields)


def predict_output(result: Prediction, *, seconds: float) -> None:
    """Record what the model answered."""
    prices = result["predictions"]
    fields: dict[str, object] = {
        "rows": len(prices),
        "priced": sum(price is not None for price in prices),
        "errors": _by_code(result["errors"]),
        "warnings": _by_code(result["warnings"]),
        "model_version": result["version"],
        "milliseconds": round(seconds * 1000, 3),
    }
    if current_app.config["ML_API_LOG_VALUES"]:
        fields["result"] = result
    info("predict.output", **fields)


def _by_code(problems: list[Issue]) -> dict[str, int]:
    return dict(Counter(problem["code"] for problem in problems))


def _log(level: int, event: str, fields: dict[str, object], *, exc_info: bool = False) -> None:
    if has_request_context():
        fields = {"request_id": request_id(), **fields}
    logger.log(level, event, extra=fields, exc_info=exc_info)


def _take_request_id() -> None:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _return_request_id(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    return response
