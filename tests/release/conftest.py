"""What is released, as the tests of a release find it: checkouts with a model, and what they build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tools.rehearsal.local_index import TOKEN, LocalIndex, local_index

ROOT = Path(__file__).resolve().parents[2]

_BUILD = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
_FILES = (
    *("pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "Procfile", "gunicorn.conf.py", "requirements.txt"),
)

Built = tuple[Path, Path]  # sdist, wheel
Checkout = Callable[..., Path]


@pytest.fixture(scope="session")
def checkout(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Makes a checkout that holds the quick model, of this version or of another."""

    def make(version: str | None = None) -> Path:
        folder: Path = tmp_path_factory.mktemp("checkout") / "project"
        ignored = shutil.ignore_patterns("artifacts", "__pycache__")
        for name in ("regression_model", "ml_api", "requirements", "tools"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in _FILES:
            shutil.copy(ROOT / name, folder / name)
        shutil.copytree(artifact, folder / "regression_model" / "artifacts")
        if version is not None:
            (folder / "regression_model" / "VERSION").write_text(f"{version}\n")
        return folder

    return make


@pytest.fixture(scope="session")
def build() -> Callable[..., Built]:
    """Builds the sdist of a checkout, and the wheel from the sdist, into ``dist``."""

    def both(folder: Path, *, umask: int = 0o022) -> Built:
        dist = folder / "dist"
        dist.mkdir()
        sdist = dist / _built("sdist", folder, dist, umask)
        shutil.unpack_archive(sdist, folder.parent / "unpacked", filter="data")
        (source,) = (folder.parent / "unpacked").iterdir()
        return sdist, dist / _built("wheel", source, dist, umask)

    return both


def _built(kind: str, source: Path, dist: Path, umask: int) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", _BUILD, f"build_{kind}", str(dist)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        umask=umask,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


@pytest.fixture(scope="session")
def built(checkout: Checkout, build: Callable[..., Built]) -> Built:
    """Sdist and wheel of this version, with the quick model; read them, do not write to them."""
    return build(checkout())


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a tool of a checkout, from afar, with no index but those of ``settings``."""

    def run(
        name: str, *arguments: object, checkout: Path, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        lent = ("PIP_", "TWINE_", "PYTHONSAFEPATH", "PYTHONPATH")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(lent)}
        paths = {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(checkout)}
        return subprocess.run(
            [sys.executable, "-m", f"tools.release.{name}", *map(str, arguments)],
            cwd=checkout.parent,
            env={**environment, **paths, **settings},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def token() -> str:
    """What lets ``publisher`` upload; no output may hold it."""
    return TOKEN


@pytest.fixture(scope="session")
def serve_index(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., AbstractContextManager[LocalIndex]]:
    """Runs an index on which the user ``publisher`` may upload with the token."""

    def serve(*options: str, fallback: bool = False) -> AbstractContextManager[LocalIndex]:
        home = tmp_path_factory.mktemp("index") / "home"
        return local_index(home, *options, *(() if fallback else ("--disable-fallback",)))

    return serve


@pytest.fixture
def index(
    serve_index: Callable[..., AbstractContextManager[LocalIndex]],
) -> Iterator[LocalIndex]:
    """An empty index."""
    with serve_index() as served:
        yield served
