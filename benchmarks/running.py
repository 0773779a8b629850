"""Servers as processes: started, asked until they give the right price, weighed, stopped."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

import psutil

from benchmarks.peers import FLOOR, House, Server
from tools.measuring import local_server
from tools.measuring.local_server import DOLLAR, HOST, JSON, free_port
from tools.release.project import ROOT

PATIENCE = 120.0  # seconds until a server must answer


class ServerFailed(Exception):
    """A server did not start, or does not give the right price."""


class Running:
    """One server on a port of its own; ``work`` is a folder that only it uses.

    ``python`` is the interpreter of its environment, ``houses`` are asked for and ``prices`` are
    the right ones. ``environ`` holds what the apps read.
    """

    def __init__(
        self, name: str, server: Server, python: Path, work: Path, environ: dict[str, str]
    ) -> None:
        self.name, self.server = name, server
        self._work, self._python = work, python
        self._port = free_port()
        self._environ = {
            "ML_API_PIN_WORKERS": "on",  # read by servers that use the service's settings
            **os.environ,
            **environ,
            "OMP_NUM_THREADS": "1",
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
            "PORT": str(self._port),
            "PYTHONPATH": str(_importable(work)),
            "WEB_CONCURRENCY": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it takes houses."""
        return f"http://{HOST}:{self._port}{self.server.path}"

    def prepare(self) -> None:
        """Do what is needed before the first start. Raises :class:`ServerFailed`."""
        if self.server.prepare:
            with self._log().open("wb") as log:
                done = subprocess.run(
                    self._command(self.server.prepare),
                    cwd=self._work, env=self._environ, stdout=log, stderr=log,
                )  # fmt: skip
            if done.returncode:
                raise ServerFailed(f"could not be prepared: {self._last_words()}")

    def start(self, house: House, *, workers: int = 1) -> float:
        """Start it; the seconds until it answers for ``house``. Raises :class:`ServerFailed`."""
        command = self._command(self.server.command)
        began = time.perf_counter()
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._work,
                env={**self._environ, "WEB_CONCURRENCY": str(workers)},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        failure = ""
        while time.perf_counter() - began < PATIENCE:
            try:
                self.ask(house)
                return time.perf_counter() - began
            except ServerFailed as error:
                failure = str(error)
            except (OSError, HTTPException):
                pass  # it does not listen yet
            if self._process.poll() is not None:
                raise ServerFailed(f"ended while it started: {self._last_words()}")
            time.sleep(0.005)
        raise ServerFailed(f"no price within {PATIENCE:.0f} s: {failure or self._last_words()}")

    def stop(self) -> None:
        """End the server and all processes that it started."""
        if self._process is None:
            return
        local_server.end(self._process, grace=15)
        local_server.kill_group(self._process)
        self._process = None

    def ask(self, house: House) -> float:
        """The price of ``house``. Raises OSError, HTTPException or :class:`ServerFailed`."""
        body = json.dumps(self.server.body(house))
        status, content = local_server.ask(
            self._port, "POST", self.server.path, body=body, headers=JSON
        )
        if status != 200:
            raise ServerFailed(f"answers {status}: {content.decode()[:200]}")
        return self.server.price(json.loads(content))

    def verify(self, houses: Sequence[House], prices: Sequence[float]) -> None:
        """Raise :class:`ServerFailed` where a price is not the right one, to the dollar."""
        for house, right in zip(houses, prices, strict=True):
            price = self.ask(house)
            expected = prices[0] if self.name == FLOOR else right
            if not abs(price - expected) <= DOLLAR:
                raise ServerFailed(f"answers {price:,.2f} dollars where {expected:,.2f} is right")

    def memory(self) -> tuple[int, int]:
        """Bytes of its largest process and of all; memory that is shared is shared out (PSS)."""
        if self._process is None:
            raise ServerFailed("is not running")
        root = psutil.Process(self._process.pid)
        sizes = [_bytes(process) for process in (root, *root.children(recursive=True))]
        return max(sizes), sum(sizes)

    def _command(self, parts: Sequence[str]) -> list[str]:
        names = {
            "python": self._python,
            "bin": self._python.parent,
            "port": self._port,
            "root": ROOT,
            "work": self._work,
        }
        return [part.format(**names) for part in parts]

    def _log(self) -> Path:
        return self._work / "stderr.log"

    def _last_words(self) -> str:
        lines = self._log().read_text("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:300] if said else "nothing was said"


def _importable(work: Path) -> Path:
    """A folder on the import path that holds these benchmarks and nothing else of the checkout."""
    path = work / "path"
    path.mkdir(exist_ok=True)
    if not path.joinpath("benchmarks").exists():
        path.joinpath("benchmarks").symlink_to(ROOT / "benchmarks")
    return path


def _bytes(process: psutil.Process) -> int:
    used = process.memory_full_info()
    return int(getattr(used, "pss", used.uss))
