"""The log of a process that follows a registry: lines like those of the service or of gunicorn."""

from __future__ import annotations

import json
import os
import select
from contextlib import suppress
from datetime import UTC, datetime

_PATIENCE_SECONDS = 1.0  # for a reader that has fallen behind
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


def log_json(level: str, event: str, **fields: object) -> None:
    """Write a line of JSON to standard output, as the service does."""
    now = datetime.now(UTC).isoformat()
    line = {"timestamp": now, "level": level.upper(), "event": event, **fields}
    _write(_STANDARD_OUTPUT, json.dumps(line))


def log_text(level: str, event: str, **fields: object) -> None:
    """Write a line of text to standard error, as gunicorn does."""
    now = datetime.now().astimezone()
    told = " ".join(f"{name}={json.dumps(value)}" for name, value in fields.items())
    _write(_STANDARD_ERROR, f"[{now:%Y-%m-%d %H:%M:%S %z}] [{level.upper()}] {event} {told}")


def _write(descriptor: int, line: str) -> None:
    """Write a line, or drop the line if it has no reader or the disk is full.

    Signals and the end of the service must not wait for a reader.
    """
    with suppress(OSError):
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        if poll.poll(_PATIENCE_SECONDS * 1000):
            os.write(descriptor, f"{line}\n".encode("ascii"))
