"""The source commit that this service was deployed from, where it is known.

The ``Dockerfile`` and a deployment write it into the file REVISION beside this one; a
checkout has no such file. A process reads the file once, when it starts: the answer stays that of
the code which the process runs, also when another release is written into its folder.
"""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask, current_app

from ml_api.telemetry import logs

EXTENSION = "revision"
PATH = Path(__file__).with_name("REVISION")
COMMIT = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\r?\n?")  # SHA-1 or SHA-256
MAX_BYTES = 66


def init_app(app: Flask) -> None:
    try:
        app.extensions[EXTENSION] = read_revision(PATH)
    except (OSError, ValueError) as error:  # prices are worth more than their label
        app.extensions[EXTENSION] = None
        logs.error("service.revision_ignored", error=type(error).__name__, reason=str(error))


def read_revision(path: Path) -> str | None:
    """Return the commit in a file, or None; raises ValueError if the file holds no commit."""
    if not path.exists():
        return None
    if not path.is_file():  # a FIFO would keep its reader waiting
        raise ValueError(f"{path.name} is not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    found = COMMIT.fullmatch(content)
    if found is None:
        raise ValueError(f"{path.name} holds {content!r}: expected 40 or 64 hexadecimal digits")
    return found[1].decode()


def revision() -> str | None:
    """Return the commit of the current application."""
    found: str | None = current_app.extensions[EXTENSION]
    return found
