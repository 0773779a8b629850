"""Applications, clients, log lines and real servers for the tests of the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_api import create_app
from ml_api.config import CONFIGS
from regression_model.artifact import COMPARABLES, open_artifact
from regression_model.artifact_folders import save_artifact
from reliability.service import Service, running

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]


Serve = Callable[..., AbstractContextManager[Service]]


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
    return partial(running, artifact, tmp_path)
