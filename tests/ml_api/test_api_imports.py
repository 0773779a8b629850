"""Serving loads no training library, and importing the service does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_api

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = {"pandas", "sklearn", "scipy", "joblib", "strictyaml"}
SWITCHED_OFF = {"limits", "redis"}

SERVE = """
import json, sys
from ml_api import create_app
from ml_api.config import TestingConfig
artifact, houses = sys.argv[1], json.loads(sys.stdin.read())
client = create_app(TestingConfig({"REGRESSION_MODEL_ARTIFACT": artifact})).test_client()
for path in ("/health", "/ready", "/version", "/v1/regression-model/schema"):
    assert client.get(path).status_code == 200, path
assert client.post("/v1/predict", json=houses).status_code == 200
assert client.post("/v1/predict", json=[1]).status_code == 422
for name in ("ml_api.contract.openapi", "ml_api.contract.examples", "ml_api.contract.snippets", "flask_swagger_ui"):
    assert name not in sys.modules, name
for path in ("/openapi.json", "/docs", "/docs/swagger-ui.css"):
    assert client.get(path).status_code == 200, path
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

IMPORT = """
import logging, os, sys, threading
before = (list(logging.getLogger("ml_api").handlers), sorted(os.listdir()))
import ml_api, ml_api.config, ml_api.model, ml_api.routes
after = (list(logging.getLogger("ml_api").handlers), sorted(os.listdir()))
assert before == after, (before, after)
assert threading.active_count() == 1
assert not logging.getLogger().handlers
"""


def run(program: str, *arguments: str, folder: Path, given: str = "") -> str:
    path = os.pathsep.join(
        [str(Path(ml_api.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_serving_imports_no_training_library(
    tmp_path: Path, artifact: Path, houses: list[dict[str, Any]]
) -> None:
    output = run(SERVE, str(artifact), folder=tmp_path, given=json.dumps(houses))

    loaded = set(json.loads(output.splitlines()[-1]))

    assert "onnxruntime" in loaded
    assert loaded & (OFFLINE | SWITCHED_OFF) == set()


def test_importing_does_nothing(tmp_path: Path) -> None:
    assert run(IMPORT, folder=tmp_path) == ""


def test_the_service_imports_only_public_names_of_the_package() -> None:
    for module in (ROOT / "ml_api").rglob("*.py"):
        source = module.read_text("utf-8")

        assert "from regression_model." not in source, module
        assert "import regression_model" not in source, module
