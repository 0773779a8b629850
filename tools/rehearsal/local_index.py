"""A package index on this machine, to rehearse with: pypiserver with a user who may upload."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.measuring.local_server import HOST, becomes_ready, end, free_port

TOKEN = "secret-token-of-a-rehearsal"  # noqa: S105  # of an index that lives as long


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
    command = [sys.executable, "-m", "pypiserver", "run", "-i", HOST, "-p", str(port)]
    command += ["-P", str(home / "htpasswd"), *options, str(home / "packages")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
    try:
        if not becomes_ready(port, "/health", seconds=60, process=process):
            raise RuntimeError(f"no answer on port {port}: {(home / 'log').read_text()}")
        yield LocalIndex(f"http://{HOST}:{port}/", home / "packages")
    finally:
        end(process)
