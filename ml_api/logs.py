"""JSON lines on standard output, each with the id of its request.

Logging never fails a request: a line that cannot be written is dropped.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from pydantic_core import to_json

from regression_model import Issue, Prediction

logger = logging.getLogger("ml_api")

_request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonLines(logging.Formatter):
    """One line of JSON: time, level, event, and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exc_info"] = self.formatException(record.exc_info)
        return to_json(fields, inf_nan_mode="null", fallback=repr).decode()


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
    """Send the service's log to standard output."""
    logger.setLevel(app.config["ML_API_LOG_LEVEL"].upper())
    # The root logger belongs to whoever runs the process, so the lines stop here.
    logger.propagate = False
    if not any(isinstance(handler, StdoutHandler) for handler in logger.handlers):
        handler = StdoutHandler()
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Give what is logged meanwhile the id of its request."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def request_id() -> str:
    """The id of the request that is being answered, empty where there is none."""
    return _request_id.get()


def info(event: str, **fields: object) -> None:
    _log(logging.INFO, event, fields)


def error(event: str, *, exc_info: bool = False, **fields: object) -> None:
    _log(logging.ERROR, event, fields, exc_info=exc_info)


def predict_input(body: bytes, *, rows: int | None, values: bool) -> None:
    """Record an input before it is scored, so that a failing prediction leaves it behind.

    ``rows`` is None where the body could not be read as houses; ``values`` asks for the body.
    """
    digest = hashlib.sha256(body).hexdigest()
    fields: dict[str, object] = {"rows": rows, "bytes": len(body), "sha256": digest}
    if values:
        fields["body"] = body.decode("utf-8", "replace")
    info("predict.input", **fields)


def predict_output(result: Prediction, *, seconds: float, values: bool) -> None:
    """Record what the model answered; ``values`` asks for the answer itself."""
    prices = result["predictions"]
    fields: dict[str, object] = {
        "rows": len(prices),
        "priced": len(prices) - prices.count(None),
        "errors": _by_code(result["errors"]),
        "warnings": _by_code(result["warnings"]),
        "model_version": result["version"],
        "milliseconds": round(seconds * 1000, 3),
    }
    if values:
        fields["result"] = result
    info("predict.output", **fields)


def _by_code(problems: list[Issue]) -> dict[str, int]:
    return dict(Counter(problem["code"] for problem in problems)) if problems else {}


def _log(level: int, event: str, fields: dict[str, object], *, exc_info: bool = False) -> None:
    if not logger.isEnabledFor(level):
        return
    current = _request_id.get()
    if current:
        fields = {"request_id": current, **fields}
    # Made here, not by the logger, which would look for the caller of each line.
    found = sys.exc_info() if exc_info else None
    record = logging.LogRecord(logger.name, level, "", 0, event, None, found)
    record.fields = fields
    logger.handle(record)
