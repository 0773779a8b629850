"""Commands called here or in a process of their own, and what they are given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from regression_model.cli import group


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder of its own, with no model but the one it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(tmp_path / "no model here"))
    monkeypatch.delenv("REGRESSION_MODEL_DATASETS", raising=False)


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """Run a command; an exception that no command should let through is raised here."""

    def invoke(*arguments: Any) -> Result:
        result = CliRunner().invoke(
            group, [str(a) for a in arguments], prog_name="regression-model"
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture(scope="session")
def run() -> Callable[..., Any]:
    """Run a command in a process of its own, where the libraries ``absent`` are not installed."""

    def start(*arguments: Any, absent: str = "", program: str = "main()") -> Any:
        blocker = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent.split()!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from regression_model.cli import main
sys.argv = ["regression-model", *{[str(a) for a in arguments]!r}]
{program}
"""
        return subprocess.run(
            [sys.executable, "-c", blocker],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return start


@pytest.fixture(scope="session")
def full_disk() -> str:
    """A ``program`` for ``run``: no file can grow beyond 4 kB."""
    return "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); main()"


@pytest.fixture(scope="session")
def header() -> str:
    """The columns of the least that a table of houses can have."""
    return "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea"


@pytest.fixture
def table(header: str, tmp_path: Path) -> Path:
    """Three houses: one that is priced, one that is refused, one with a warning."""
    path = tmp_path / "houses.csv"
    path.write_text(f"{header}\n1,NAmes,5,1960,1000\n2,NAmes,5,1960,-1\n3,Nowhere,5,1960,1000\n")
    return path


@pytest.fixture(scope="session")
def sold(call: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two hundred synthetic sales."""
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    assert call("sample", 200, "--output", path).exit_code == 0
    return path


@pytest.fixture
def own_artifact(artifact: Path, tmp_path: Path) -> Path:
    """A copy of the small artifact that a test may spoil: the folder that holds the files."""
    shutil.copytree(artifact, tmp_path / "artifacts")
    return tmp_path / "artifacts" / artifact.joinpath("CURRENT").read_text().strip()
