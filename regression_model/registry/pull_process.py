"""A pull in a process of its own: limited in time, and ended with the process that waits for it.

MLflow takes 100 MB and a second of the processor for each question, which a process that lives as
long as a service should not keep.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from regression_model.errors import RegistryFailed
from regression_model.registry.folder import Pulled
from regression_model.registry.parent_death import signal_at_parent_death

LIMIT_SECONDS = 60.0
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
PULL = (sys.executable, "-P", "-m", "regression_model", "registry", "pull")
_PAUSE_SECONDS = 0.1
_NICENESS = 10  # prices come first
_LONGEST_REASON = 1000


def pull_command(uri: str, folder: Path) -> list[str]:
    """Return the command that pulls ``uri`` into ``folder`` and prints what it did as JSON."""
    return [*PULL, uri, "--output", str(folder), "--json"]


def pull_apart(
    command: Sequence[str], *, tick: Callable[[], None], limit: float = LIMIT_SECONDS
) -> Pulled:
    """Run ``command`` and return what it pulled; raises :class:`RegistryFailed`.

    The process and all that it started are killed where it takes longer than ``limit`` seconds, or
    where ``tick``, which is called ten times a second, raises.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a signal of the terminal is for the service
            preexec_fn=_before_program(limit),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RegistryFailed(f"the pull could not be started: {error}") from error
    try:
        output, errors = _outputs(process, time.monotonic() + limit, tick)
    except TimeoutError:
        raise RegistryFailed(f"the registry did not answer in {limit:.0f} seconds") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()
    return _pulled(process.returncode, output, errors)


def _before_program(limit: float) -> Callable[[], None]:
    die_with_parent = signal_at_parent_death(signal.SIGKILL)

    def prepare() -> None:
        die_with_parent()
        signal.alarm(int(limit) + 5)  # survives exec: keeps the limit if the parent has died
        os.nice(_NICENESS)

    return prepare


def _outputs(
    process: subprocess.Popen[bytes], deadline: float, tick: Callable[[], None]
) -> tuple[bytes, bytes]:
    while True:
        left = max(0.0, deadline - time.monotonic())
        try:
            return process.communicate(timeout=min(_PAUSE_SECONDS, left))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            tick()


def _pulled(status: int, output: bytes, errors: bytes) -> Pulled:
    if status:
        said = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        reason = presentable(said.removeprefix("Error: "))
        raise RegistryFailed(reason or f"the pull ended with exit status {status}")
    try:
        told = json.loads(output)
        return Pulled(str(told["origin"]), str(told["artifact"]), bool(told["changed"]))
    except (ValueError, KeyError, TypeError):
        raise RegistryFailed("the pull did not say what it pulled") from None


def presentable(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a reason without passwords, and without what differs from one time to the next."""
    for secret in filter(None, map(environ.get, SECRETS)):
        text = text.replace(secret, "***")
    text = re.sub(r"//\S*@", "//***@", text)
    text = re.sub(r"\b0x[0-9a-fA-F]+", "0x…", text)
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
