"""Applications, clients, log lines and real servers for the tests of the service."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_api import create_app
from ml_api.config import CONFIGS
from regression_model.artifact import COMPARABLES, open_artifact, save_artifact

ROOT = Path(__file__).resolve().parents[2]

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]


class Server(NamedTuple):
    """A gunicorn in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        """Send one request on a new connection: status and body of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, **request)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, raw: bytes) -> bytes:
        """Send bytes as they are and read until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(raw)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.stdout.read_text().splitlines())
        return [line for line in lines if line["event"] == event]

    def wait_until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.05)


Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def make_app(artifact: Path) -> MakeApp:
    """Make an application on the trained artifact; keywords are environment variables."""

    def make(env: str = "testing", **settings: str) -> Flask:
        return create_app(CONFIGS[env]({"REGRESSION_MODEL_ARTIFACT": str(artifact), **settings}))

    return make


@pytest.fixture
def without_sales(artifact: Path, tmp_path: Path) -> Path:
    """A model that cannot explain: its artifact does not hold the sales."""
    opened = open_artifact(artifact)
    manifest = {k: v for k, v in opened.manifest.items() if k not in ("digest", "files", "format")}
    files = {n: opened.read(n) for n in opened.manifest["files"] if n != COMPARABLES}
    save_artifact(tmp_path, version=manifest.pop("version"), manifest=manifest, files=files)
    return tmp_path


@pytest.fixture(scope="session")
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> LogLines:
    """The records of an event since the last call; each is one line of JSON."""

    def read(event: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in lines if event in ("", line["event"])]

    return read


@pytest.fixture
def serve(tmp_path: Path, artifact: Path) -> Serve:
    """Run the real gunicorn in an empty folder; keywords are environment variables."""

    @contextmanager
    def run(
        config: Path = ROOT / "gunicorn.conf.py",
        cwd: Path = tmp_path,
        stdout: Path = tmp_path / "stdout.log",
        **settings: str,
    ) -> Iterator[Server]:
        port = free_port()
        names = {"PORT": str(port), "REGRESSION_MODEL_ARTIFACT": str(artifact), **settings}
        stderr = tmp_path / "stderr.log"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                gunicorn(config), cwd=cwd, env={**os.environ, **names}, stdout=out, stderr=err
            )
        server = Server(port, process, stdout, stderr)
        try:
            wait_until_it_answers(server)
            yield server
        finally:
            process.kill()
            process.wait(timeout=30)

    return run


def gunicorn(config: Path = ROOT / "gunicorn.conf.py") -> list[str]:
    # The script, as people run it: `python -m gunicorn` cannot do a binary upgrade.
    script = Path(sysconfig.get_path("scripts")) / "gunicorn"
    return [str(script), "-c", str(config), "ml_api.wsgi:app"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.ask("GET", "/health")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the server does not answer: {server.stderr.read_text()}")
