"""Serving loads what it needs and nothing of what training, the command line or the API needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOT_NEEDED = {
    "pandas", "sklearn", "scipy", "joblib", "strictyaml", "onnx", "skl2onnx", "pyarrow", "click",
    "rich", "flask", "jinja2", "matplotlib",
}  # fmt: skip

SERVE = """
import json, sys
from regression_model import load_model, make_prediction, validate_inputs
houses = json.loads(sys.stdin.read())
model = load_model()
answers = [
    make_prediction(houses),
    make_prediction(houses[0]),
    model.predict_json(json.dumps({"inputs": [*houses, None, {"LotArea": -1}]}).encode()),
]
validate_inputs(houses)
model.json_schema(), model.info()
assert model.check_golden() == []
assert None not in make_prediction(houses[:2], explain=True)["explanations"]
priced = [sum(price is not None for price in answer["predictions"]) for answer in answers]
print(json.dumps([priced, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_serving_writes_nothing_into_the_home_of_its_user(
    artifact: Path, houses: list[dict[str, Any]], monkeypatch: Any, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))

    subprocess.run(
        [sys.executable, "-c", SERVE], input=json.dumps(houses), text=True, timeout=120, check=True
    )

    assert list(tmp_path.rglob("*")) == []


def test_serving_imports_no_library_that_it_does_not_need(
    artifact: Path, houses: list[dict[str, Any]], monkeypatch: Any
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))

    ended = subprocess.run(
        [sys.executable, "-c", SERVE],
        input=json.dumps(houses),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 0, ended.stderr
    priced, loaded = json.loads(ended.stdout)
    assert priced == [len(houses), 1, len(houses)]
    assert {"numpy", "onnxruntime", "pydantic_core"} <= set(loaded)
    assert NOT_NEEDED & set(loaded) == set()
