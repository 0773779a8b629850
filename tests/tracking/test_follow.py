"""An alias at a real MLflow server is followed; what serves is a small program that gets SIGHUP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.artifact import open_artifact, origin_of
from regression_model.artifact_folders import save_artifact
from tools.rehearsal.local_index import free_port

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.process,
    pytest.mark.filterwarnings("default"),  # MLflow's and its libraries' are not ours
]

NAME, PATIENCE = "regression-model", 120
# Is ready at once, and notes each SIGHUP.
SERVICE = """
import os, signal
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ready(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
def note(*_):
    with open("reloads", "a") as reloads:
        reloads.write("reload\\n")
signal.signal(signal.SIGHUP, note)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""


class Following:
    """A process that follows, and what it logged."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self._folder = process, folder

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, (self._folder / "log").read_text().splitlines())
        return [line for line in lines if line["event"] == event]

    def reloads(self) -> int:
        path = self._folder / "reloads"
        return len(path.read_text().split()) if path.exists() else 0

    def wait_until(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > until or self.process.poll() is not None:
                raise TimeoutError((self._folder / "log").read_text())
            time.sleep(0.1)


@pytest.fixture
def registered(
    server: Any,
    artifact: Path,
    run: Callable[..., Result],
    client_of: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """MLflow's client of a server with two versions, of which the first is champion."""
    server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("USER", "ada")
    opened = open_artifact(artifact)
    manifest = {
        name: told
        for name, told in opened.manifest.items()
        if name not in ("digest", "files", "format", "version")
    }
    files = {name: opened.read(name) for name in opened.manifest["files"]}
    other = save_artifact(
        tmp_path / "other",
        version=opened.manifest["version"],
        manifest={**manifest, "trained_at": "2026-01-02T00:00:00+00:00"},
        files=files,
    )
    for folder in (artifact, other):
        done = run("registry", "register", folder)
        assert done.exit_code == 0, done.output
    client = client_of(server.uri)
    client.set_registered_model_alias(NAME, "champion", "1")
    return client


@pytest.fixture
def following(registered: Any, tmp_path: Path) -> Iterator[Following]:
    command = [sys.executable, "-P", "-m", "regression_model", "registry", "follow"]
    command += [f"models:/{NAME}@champion", "--to", "served", "--every", "1", "--json", "--"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, sys.executable, "-c", SERVICE],
            cwd=tmp_path,
            env={**os.environ, "PORT": str(free_port())},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Following(process, tmp_path)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def test_an_alias_is_followed_through_an_outage_of_the_server(
    following: Following, registered: Any, server: Any, tmp_path: Path
) -> None:
    def served() -> str:
        return origin_of(open_artifact(tmp_path / "served"))

    following.wait_until(lambda: following.log("model.pulled"))
    assert served() == f"models:/{NAME}/1"
    assert following.reloads() == 0

    registered.set_registered_model_alias(NAME, "champion", "2")
    following.wait_until(lambda: following.reloads() == 1)
    assert served() == f"models:/{NAME}/2"

    server.kill()
    following.wait_until(lambda: following.log("model.pull_failed"))
    assert served() == f"models:/{NAME}/2"
    assert following.process.poll() is None

    server.start()
    registered.set_registered_model_alias(NAME, "champion", "1")
    following.wait_until(lambda: following.reloads() == 2)
    assert served() == f"models:/{NAME}/1"
    assert len(following.log("model.pull_recovered")) == 1

    following.process.terminate()
    assert following.process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
