"""JSON lines on standard output or in a file, each with the id of its request.

Logging never fails a request: a line that cannot be written is dropped, and counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock

from flask import Flask
from pydantic_core import to_json

from ml_api.config import LOG_LEVELS
from ml_api.telemetry import log_sinks as outputs
from regression_model import Prediction, count_by_code

# The fields of every line of a request.
_request: ContextVar[dict[str, str]] = ContextVar("request")
_written: set[str] = set(LOG_LEVELS)  # the levels that are written
_line = Lock()


class _Log:
    """Where the lines of the process go, and what is lost on the way."""

    def __init__(self) -> None:
        self.output: outputs.Output = outputs.standard_output
        self.dropped: Callable[[], None] = lambda: None
        self.lost = 0


_process = _Log()


def init_app(app: Flask, dropped: Callable[[], None]) -> None:
    """Write lines of the configured level and above, for all applications of the process.

    ``dropped`` is called for each line that cannot be written.
    """
    lowest = LOG_LEVELS.index(app.config["ML_API_LOG_LEVEL"])
    _written.clear()
    _written.update(LOG_LEVELS[lowest:])
    _process.dropped = dropped
    _process.output = outputs.standard_output
    if app.config["ML_API_LOG_FILE"] is not None:
        _process.output = outputs.rotating_file(
            app.config["ML_API_LOG_FILE"],
            when=app.config["ML_API_LOG_FILE_WHEN"],
            keep=app.config["ML_API_LOG_FILE_KEEP"],
        )


def write_without_waiting() -> None:
    """From now on, a reader of standard output that stops does not stop the service."""
    if _process.output is outputs.standard_output and sys.stdout is not None:
        _process.output = outputs.Descriptor(sys.stdout.fileno())


def begin(request: dict[str, str]) -> None:
    """Give what is logged from now on, in this thread, the id of its request and its trace."""
    _request.set(request)


def note_client(name: str) -> None:
    """Give what is logged from now on the name of the client as well."""
    _request.get()["client"] = name


def end() -> None:
    """The request is answered."""
    _request.set({})


def request_id() -> str:
    """Return the id of the request that is being answered, empty where there is none."""
    return _request.get({}).get("request_id", "")


def info(event: str, **fields: object) -> None:
    _log("info", event, fields)


def error(event: str, *, exc_info: bool = False, **fields: object) -> None:
    """``exc_info`` asks for the traceback of the exception that is being handled."""
    _log("error", event, fields | ({"exc_info": traceback.format_exc()} if exc_info else {}))


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
    errors, warnings = count_by_code(result)
    fields: dict[str, object] = {
        "rows": len(prices),
        "priced": len(prices) - prices.count(None),
        "errors": dict(errors),
        "warnings": dict(warnings),
        "model_version": result["version"],
        "milliseconds": round(seconds * 1000, 3),
    }
    if values:
        fields["result"] = result
    info("predict.output", **fields)


def _log(level: str, event: str, fields: dict[str, object]) -> None:
    """Write a line: made here because the standard library's records take as long as a forest."""
    if level not in _written:
        return
    line = _record(level, event, fields)
    with _line:
        try:
            _process.output(line)
        except OSError:  # a full disk, a pipe without a reader, standard output closed or gone
            _process.lost += 1
            _process.dropped()
            return
        if _process.lost:
            with suppress(OSError):
                _process.output(_record("error", "log.lines_dropped", {"lines": _process.lost}))
                _process.lost = 0


def _record(level: str, event: str, fields: dict[str, object]) -> bytes:
    return _json(
        {
            "timestamp": datetime.now(UTC).isoformat(),
            "level": level.upper(),
            "event": event,
            **_request.get({}),
            **fields,
        }
    )


def _json(record: dict[str, object]) -> bytes:
    """ASCII, which every standard output takes; also where a path is no Unicode text."""
    with suppress(ValueError):
        line = to_json(record, inf_nan_mode="null", fallback=repr)
        if line.isascii():
            return line
    return json.dumps(record, default=repr).encode()
