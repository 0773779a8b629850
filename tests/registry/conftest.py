"""A registry in a folder, and processes that follow it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from regression_model.artifact import GOLDEN, open_artifact
from regression_model.artifact_folders import save_artifact
from reliability.service import import_path

URI = "models:/regression-model@champion"
STAND_IN = Path(__file__).with_name("stand_in")


class Registry:
    """The registry of the stand-in for MLflow, and the folder that models are pulled to."""

    def __init__(self, folder: Path, artifact: Path) -> None:
        self.folder, self.pulled, self._artifact = folder, folder.parent / "pulled", artifact
        folder.mkdir()

    def add(self, version: int, *, golden: Callable[[bytes], bytes] = bytes) -> Path:
        """Add a version, unless it is there, and return the folder of its artifact."""
        source = self.folder / str(version)
        if not source.exists():
            opened = open_artifact(self._artifact)
            skipped = ("digest", "files", "format", "version")
            manifest = {k: v for k, v in opened.manifest.items() if k not in skipped}
            manifest["trained_at"] = f"2026-01-{version:02}T00:00:00+00:00"
            files = {name: opened.read(name) for name in opened.manifest["files"]}
            files[GOLDEN] = golden(files[GOLDEN])
            save_artifact(
                source, version=opened.manifest["version"], manifest=manifest, files=files
            )
        return open_artifact(source).folder

    def promote(self, version: int) -> str:
        """Make a version the champion, and return what the service will call it."""
        self.add(version)
        (self.folder / "new").write_text(str(version))
        (self.folder / "new").replace(self.folder / "champion")
        return f"models:/regression-model/{version}"

    def fail(self, reason: str) -> None:
        (self.folder / "down").write_text(reason)

    def recover(self) -> None:
        (self.folder / "down").unlink()

    def asked(self) -> list[int]:
        """The processes that have asked."""
        path = self.folder / "asked"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def registry(tmp_path: Path, artifact: Path) -> Registry:
    return Registry(tmp_path / "registry", artifact)


@pytest.fixture
def settings(registry: Registry) -> dict[str, str]:
    """The environment of a process that follows the registry."""
    return {
        "MLFLOW_TRACKING_URI": str(registry.folder),
        "PYTHONPATH": os.pathsep.join([import_path(), str(STAND_IN)]),
    }


Following = Callable[..., list[str]]


@pytest.fixture
def following(registry: Registry) -> Following:
    """The command that follows the registry and runs what is appended."""

    def command(*, uri: str = URI, to: Path = registry.pulled, every: int = 1) -> list[str]:
        follow = [sys.executable, "-P", "-m", "regression_model", "registry", "follow"]
        return [*follow, uri, "--to", str(to), "--every", str(every), "--json", "--"]

    return command


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(following: Following, settings: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Run a Python program under the process that follows; kills both in the end."""
    started: list[subprocess.Popen[str]] = []

    def run(program: str, *arguments: object, every: int = 1) -> subprocess.Popen[str]:
        command = [*following(every=every), sys.executable, "-c", program, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        family = [process, *descendants(process.pid)]
        for member in family:
            member.kill()
        process.communicate()


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
