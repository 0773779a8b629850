"""Servers on this machine: a free port, one request, waiting for an answer, and the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json"}
PREDICT = "/v1/regression-model/predict"
DOLLAR = 1.0  # within which prices are compared everywhere
PATIENCE = 30.0  # seconds; no request here takes that long unless it hangs
LONGEST_WAIT_SECONDS = 90.0  # for what several processes do, on a busy machine


def free_port() -> int:
    """Return a port of this machine on which no process listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int, method: str, path: str, **request: Any) -> tuple[int, bytes]:
    """Send one request on a new connection; return status and body of the answer.

    ``request`` takes ``body`` and ``headers``. Raises OSError or HTTPException without an answer.
    """
    with closing(HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        connection.request(method, path, **request)
        answer = connection.getresponse()
        return answer.status, answer.read()


def becomes_ready(
    port: int,
    path: str = "/ready",
    *,
    seconds: float = PATIENCE,
    process: subprocess.Popen[bytes] | None = None,
) -> bool:
    """Wait until ``path`` answers 200; return False after ``seconds`` or when ``process`` ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with suppress(OSError, HTTPException):
            if ask(port, "GET", path)[0] == 200:
                return True
        time.sleep(0.02)
    return False


def wait_for(condition: Callable[[], object], *, seconds: float = LONGEST_WAIT_SECONDS) -> None:
    """Wait until ``condition`` holds. Raises TimeoutError if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened in {seconds:.0f} seconds")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes], *, grace: float = PATIENCE) -> int:
    """Terminate ``process``, kill it after ``grace`` seconds; return its exit code."""
    process.terminate()
    try:
        return process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill ``process``, which leads a session of its own, and all processes that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
