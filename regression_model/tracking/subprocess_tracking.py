"""Record a model in a process of its own, so that no server can lose or delay a training.

A server that is down, slow, hangs or answers garbage costs at most the time limit. MLflow, its
drivers and its threads never enter the process that trained.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regression_model.tracking.store import (
    DEFAULT_URI,
    EXPERIMENT_VARIABLE,
    TIMEOUT_VARIABLE,
    URI_VARIABLE,
    Store,
    without_password,
)

_ERROR = "Error: "  # what the command says begins with it


@dataclass(frozen=True)
class Outcome:
    """Hold the recorded run as the command ``track`` describes it, or the reason why there is none.

    ``later`` is the command that records the model another time.
    """

    run: dict[str, Any] | None
    error: str | None
    later: str

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome for JSON."""
        return self.run or {"error": self.error, "later": self.later}


def track_in_subprocess(
    saved: Path, store: Store, *, timeout: float, options: Sequence[str] = ()
) -> Outcome:
    """Run ``regression-model track`` on ``saved`` for at most ``timeout`` seconds; never raises.

    ``options`` are further options of the command.
    """
    later = _later(saved, store)
    command = [sys.executable, "-P", "-m", "regression_model", "track", str(saved), "--json"]
    # The address may hold a password, which a command line would show to everybody.
    variables = {URI_VARIABLE: store.uri, EXPERIMENT_VARIABLE: store.experiment}
    try:
        ended = subprocess.run(
            [*command, *options],
            capture_output=True,
            check=False,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        reason = (
            f"MLflow at {store.shown} did not take the run within {timeout:g} seconds "
            f"({TIMEOUT_VARIABLE} sets another limit)"
        )
        return Outcome(None, reason, later)
    except OSError as error:
        return Outcome(None, f"the command for it could not be started: {error}", later)
    try:
        if ended.returncode == 0:
            return Outcome(json.loads(ended.stdout), None, later)
    except ValueError:
        pass
    return Outcome(None, _reason(ended.stderr.decode(errors="replace")), later)


def _reason(said: str) -> str:
    """Return the error of the command in one line; else the last line of its output."""
    _, found, message = said.rpartition(_ERROR)
    text = message if found else (said.strip().splitlines() or ["it ended without a word"])[-1]
    return without_password(" ".join(text.split()))


def _later(saved: Path, store: Store) -> str:
    command = ["regression-model", "track", str(saved)]
    if store.uri not in (DEFAULT_URI, os.environ.get(URI_VARIABLE)) and store.shown == store.uri:
        command += ["--uri", store.uri]
    return shlex.join([*command, "--experiment", store.experiment])
