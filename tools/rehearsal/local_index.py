"""A package index on this machine, to rehearse with: pypiserver with a user who may upload."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from tools.free_port import free_port

TOKEN = "secret-token-of-a-rehearsal"  # noqa: S105  # of an index that lives as long
PATIENCE_SECONDS = 60


class LocalIndex(NamedTuple):
    """A pypiserver in a process of its own, and the folder that it serves."""

    address: str
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        """What names the index to twine."""
        return {
            "TWINE_REPOSITORY_URL": self.address,
            "TWINE_USERNAME": "publisher",
            "TWINE_PASSWORD": TOKEN,
        }

    @property
    def simple(self) -> str:
        """Where pip reads it."""
        return f"{self.address}simple/"

    def files(self) -> dict[str, bytes]:
        """What was uploaded."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@contextmanager
def local_index(home: Path, *options: str) -> Iterator[LocalIndex]:
    """Run an index in the folder ``home`` on which the user ``publisher`` may upload.

    ``options`` are those of pypiserver; ``--disable-fallback`` keeps it from sending those who ask
    for what it does not have to another index.
    """
    password = base64.b64encode(hashlib.sha1(TOKEN.encode()).digest()).decode()  # noqa: S324  # htpasswd's
    (home / "packages").mkdir(parents=True)
    (home / "htpasswd").write_text(f"publisher:{{SHA}}{password}\n")
    port = free_port()
    command = [sys.executable, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-P", str(home / "htpasswd"), *options, str(home / "packages")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
    try:
        wait_until_it_answers(port, process, home / "log")
        yield LocalIndex(f"http://127.0.0.1:{port}/", home / "packages")
    finally:
        process.kill()
        process.wait(timeout=30)


def wait_until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once ``/health`` is 200; RuntimeError with the log where it does not come to that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"no answer on port {port}: {log.read_text()}")
