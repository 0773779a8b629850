"""Fixtures of all tests: a spec, a small trained artifact, and houses from the generator."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

# The one profile of every property: the same examples in each run, on a machine of any speed.
settings.register_profile(
    "tests",
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("tests")

QUICK_ROWS = 400
KEPT_SECONDS = 7 * 24 * 3600  # how long what another code made is kept

MakeOnce = Callable[[str, str, Callable[[Path], None]], Path]


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
def made_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Return a function that fills a folder once for all workers and later runs, and copies it.

    Its ``make`` fills the folder. The folder is filled again if ``key``, the code of the package,
    its revision or an installed library has changed.
    """
    kept = request.config.cache.mkdir("made-once")

    def make_once(name: str, key: str, make: Callable[[Path], None]) -> Path:
        digest = hashlib.sha256(f"{key}\n{_installed_code()}".encode()).hexdigest()[:16]
        folder = kept / f"{name}-{digest}"
        with FileLock(kept / f"{name}.lock"):
            if not folder.exists():
                for old in kept.glob(f"{name}-*"):
                    if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                        shutil.rmtree(old)
                unfinished = Path(tempfile.mkdtemp(dir=kept))
                make(unfinished)
                unfinished.rename(folder)
        copied: Path = tmp_path_factory.mktemp(name) / "copy"
        shutil.copytree(folder, copied)
        return copied

    return make_once


@cache
def _installed_code() -> str:
    """Return the digest of the package's files, its revision and the versions of libraries."""
    import regression_model
    from regression_model.training.persistence import git_revision

    root = Path(regression_model.__file__).parent
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted((*root.rglob("*.py"), *root.rglob("*.yml"), root / "VERSION")):
        digest.update(path.read_bytes())
    installed = sorted(f"{found.name}=={found.version}" for found in distributions())
    return f"{digest.hexdigest()} {git_revision()} {installed}"


@pytest.fixture(scope="session")
def sales(spec: Any) -> Any:
    """The first synthetic sales, checked and in order."""
    from regression_model.sales.table import sample_sales

    return sample_sales(spec, QUICK_ROWS)


@pytest.fixture(scope="session")
def _trained_folder(quick_config: str, made_once: MakeOnce, request: pytest.FixtureRequest) -> Path:
    def make(folder: Path) -> None:
        import joblib

        from regression_model.training.fit import train
        from regression_model.training.persistence import save_trained

        spec, sales = request.getfixturevalue("spec"), request.getfixturevalue("sales")
        trained = train(spec, sales)
        joblib.dump(trained, folder / "trained.joblib")
        save_trained(folder / "artifacts", spec, sales, trained, config=quick_config)

    return made_once("trained", f"{QUICK_ROWS} {quick_config}", make)


@pytest.fixture(scope="session")
def trained(_trained_folder: Path) -> Any:
    """The outcome of training with the quick config."""
    import joblib

    return joblib.load(_trained_folder / "trained.joblib")


@pytest.fixture(scope="session")
def artifact(_trained_folder: Path) -> Path:
    """A folder with CURRENT and a small artifact; read it, do not write to it."""
    return _trained_folder / "artifacts"


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
