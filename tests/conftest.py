"""Fixtures of all tests: a spec, a small trained artifact, and houses from the generator."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

QUICK_ROWS = 400


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Set the umask for the time of a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture(scope="session")
def quick_config() -> str:
    """The bundled config with fewer trees, for tests that train."""
    from regression_model.config.reader import bundled_config

    text = bundled_config()
    for full, quick in (
        ("n_estimators: 600", "n_estimators: 60"),
        ("_rate: 0.04", "_rate: 0.2"),
    ):
        assert full in text
        text = text.replace(full, quick)
    return text


@pytest.fixture(scope="session")
def small_config(quick_config: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config that trains in a moment, and lets a model pass that has seen little."""
    text = quick_config
    for full, small in (
        ("n_estimators: 60", "n_estimators: 15"),
        ("folds: 5", "folds: 2"),
    ):
        assert full in text
        text = text.replace(full, small)
    text = text.partition("gates:")[0] + "gates:\n  file:\n    rmsle: 1.0\n    parity: 1\n"
    path = tmp_path_factory.mktemp("config") / "small.yml"
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def spec(quick_config: str) -> Any:
    from regression_model.config.reader import parse_spec

    return parse_spec(quick_config, label="config.yml")


@pytest.fixture(scope="session")
def sales(spec: Any) -> Any:
    """The first synthetic sales, checked and in order."""
    from regression_model.sales.table import sample_sales

    return sample_sales(spec, QUICK_ROWS)


@pytest.fixture(scope="session")
def trained(spec: Any, sales: Any) -> Any:
    from regression_model.training.fit import train

    return train(spec, sales)


@pytest.fixture(scope="session")
def artifact(
    spec: Any, sales: Any, trained: Any, quick_config: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with CURRENT and a small artifact; read it, do not write to it."""
    from regression_model.training.persistence import save_trained

    root: Path = tmp_path_factory.mktemp("artifacts")
    save_trained(root, spec, sales, trained, config=quick_config)
    return root


@pytest.fixture(scope="session")
def model(artifact: Path) -> Any:
    from regression_model import load_model

    return load_model(artifact)


@pytest.fixture(scope="session")
def _generated_houses(spec: Any) -> str:
    from regression_model.sales.sample import generate

    frame = generate(50, seed=7, spec=spec).drop(columns=spec.target.name)
    return str(frame.to_json(orient="records"))


@pytest.fixture
def houses(_generated_houses: str) -> list[dict[str, Any]]:
    """Fifty valid houses, ready for JSON; a copy of one's own."""
    loaded: list[dict[str, Any]] = json.loads(_generated_houses)
    return loaded


@pytest.fixture(scope="session")
def ames() -> Path:
    """The folder of the real sales; skips where AMES_DATA_DIR does not name it."""
    named = os.environ.get("AMES_DATA_DIR")
    if not named:
        pytest.skip("AMES_DATA_DIR is not set: the real sales are not here")
    return Path(named)
