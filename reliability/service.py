"""The real service in a process of its own: started, asked, disturbed and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tools.measuring import local_server
from tools.measuring.local_server import (
    HOST,
    PATIENCE,
    becomes_ready,
    end,
    free_port,
    kill_group,
    wait_for,
)
from tools.release.project import ROOT

CONFIG = ROOT / "gunicorn.conf.py"


@dataclass
class Service:
    """A running gunicorn, and where its standard output and error go."""

    port: int
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path
    _read: int = 0  # bytes of the log
    _lines: defaultdict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        """Send one request on a new connection: status and body of the answer."""
        return local_server.ask(self.port, method, path, **request)

    def send(self, raw: bytes) -> bytes:
        """Send bytes as they are and read until the service closes the connection."""
        with socket.create_connection((HOST, self.port), timeout=PATIENCE) as connection:
            connection.sendall(raw)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event, so far."""
        with self.stdout.open("rb") as log:  # under load it is long: each line is read once
            log.seek(self._read)
            for line in log:
                if line.endswith(b"\n"):  # the last may be half written
                    self._read += len(line)
                    record = json.loads(line)
                    self._lines[record["event"]].append(record)
        return list(self._lines[event])

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait as :func:`wait_for` does."""
        wait_for(condition)

    def workers(self) -> dict[int, psutil.Process]:
        """The processes that answer, by their number."""
        return {child.pid: child for child in psutil.Process(self.process.pid).children()}

    def recycled(self) -> int:
        """How many workers gunicorn has replaced after their last request."""
        return self.stderr.read_text().count("Autorestarting worker")

    def reload(self) -> None:
        """Ask for new workers; returns when they have taken over and the old ones are gone."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(new := set(self.workers())) >= len(before) and not before & new)

    def stop(self) -> int:
        """End it as an orchestrator does; its exit code."""
        return end(self.process)


@contextmanager
def running(
    artifact: Path | None,
    folder: Path,
    *,
    config: Path = CONFIG,
    cwd: Path | None = None,
    stdout: Path | None = None,
    within: Sequence[str] = (),
    command: Sequence[str] | None = None,
    **settings: str,
) -> Iterator[Service]:
    """Start the service on a free port and yield it when it answers; kill it in the end.

    ``folder`` receives its output, and is where it runs unless ``cwd`` says otherwise; ``within``
    is a command that runs it, ``command`` another one in its place; ``settings`` are variables of
    its environment.
    """
    stdout, stderr = stdout or folder / "stdout.log", folder / "stderr.log"
    port = free_port()
    names = {"PORT": str(port), **settings}
    if artifact is not None:
        names.setdefault("REGRESSION_MODEL_ARTIFACT", str(artifact))
    with stdout.open("wb") as out, stderr.open("wb") as err:
        process = subprocess.Popen(
            command or [*within, *gunicorn(config)],
            cwd=cwd or folder,
            env={**os.environ, "PYTHONPATH": import_path(), **names},
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    service = Service(port, process, stdout, stderr)
    try:
        if not becomes_ready(port, "/health", process=process):
            raise RuntimeError(f"the service does not answer: {stderr.read_text()}")
        yield service
    finally:
        kill_group(process)


def gunicorn(config: Path = CONFIG) -> list[str]:
    """The command that serves: the script, for ``python -m gunicorn`` cannot do an upgrade."""
    script = Path(sysconfig.get_path("scripts")) / "gunicorn"
    return [str(script), "-c", str(config), "ml_api.wsgi:app"]


def import_path() -> str:
    """That of this process, for another one: what is measured is what is imported here."""
    return os.pathsep.join(str(Path(folder).resolve()) for folder in sys.path if folder)
