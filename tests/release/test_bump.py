"""A version is raised by one command, everywhere it stands, and never back."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HASH = f" --hash=sha256:{'0' * 64}"
Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small repository with what holds versions; its release is locked."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in {
        "regression_model/VERSION": "0.9.1\n",
        "ml_api/VERSION": "0.3.0\n",
        "requirements.txt": f"# pins\nhouse-price-regression[api]==0.9.1{HASH}\n",
        "CHANGELOG.md": "# Changelog\n\n## 0.9.1\n\n- Better.\n\n## API 0.3.0\n\n- Faster.\n\n## 0.9.0\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "all")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_package_is_raised_in_three_files(project: Path, run_tool: Tool) -> None:
    ended = run_tool("bump", "0.10.0", checkout=project)

    assert ended.returncode == 0, ended.stderr
    assert (project / "regression_model" / "VERSION").read_text() == "0.10.0\n"
    assert (
        project / "requirements.txt"
    ).read_text() == "# pins\nhouse-price-regression[api]==0.10.0\n"
    assert "# Changelog\n\n## 0.10.0\n\n## 0.9.1\n" in (project / "CHANGELOG.md").read_text()
    assert (project / "ml_api" / "VERSION").read_text() == "0.3.0\n"


def test_the_service_is_raised_alone(project: Path, run_tool: Tool) -> None:
    ended = run_tool("bump", "--api", "0.4.0", checkout=project)

    assert ended.returncode == 0, ended.stderr
    assert (project / "ml_api" / "VERSION").read_text() == "0.4.0\n"
    assert "\n\n## API 0.4.0\n\n## API 0.3.0\n" in (project / "CHANGELOG.md").read_text()
    assert git(project, "diff", "--name-only").split() == ["CHANGELOG.md", "ml_api/VERSION"]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("0.9.1", "0.9.1 does not come after 0.9.1"),
        ("0.9.0", "0.9.0 does not come after 0.9.1"),
        ("0.9.1rc1", "does not come after"),
        ("1.0", "is not written as three plain numbers"),
        ("v1.0.0", "is not written as three plain numbers"),
        ("1.0.0+local", "is not written as three plain numbers"),
        ("01.0.0", "is not written as three plain numbers"),
        ("next", "is not a version"),
        ("", "is not a version"),
    ],
)
def test_what_is_no_later_version_is_refused(
    new: str, reason: str, project: Path, run_tool: Tool
) -> None:
    unchanged(run_tool("bump", new, checkout=project), project, reason)


def unchanged(
    ended: subprocess.CompletedProcess[str], project: Path, reason: str, *dirty: str
) -> None:
    assert ended.returncode == 1
    assert re.fullmatch(rf"bump: .*{reason}.*\n", ended.stderr), ended.stderr
    assert git(project, "diff", "--name-only").split() == [*dirty]


def test_changes_that_are_not_committed_are_refused(project: Path, run_tool: Tool) -> None:
    with (project / "CHANGELOG.md").open("a") as changelog:
        changelog.write("- A line.\n")

    ended = run_tool("bump", "1.0.0", checkout=project)

    unchanged(ended, project, "CHANGELOG.md has changes; commit them first", "CHANGELOG.md")


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("CHANGELOG.md", "# Changelog\n", "the newest heading of CHANGELOG.md is none"),
        ("CHANGELOG.md", "## 0.9.2\n\n## 0.9.1\n", "is 0.9.2, regression_model/VERSION says 0.9.1"),
        ("requirements.txt", "flask==3\n", r"does not pin house-price-regression\[api\]==0.9.1"),
    ],
)
def test_files_that_disagree_are_refused(
    file: str, text: str, reason: str, project: Path, run_tool: Tool
) -> None:
    (project / file).write_text(text)

    unchanged(run_tool("bump", "1.0.0", checkout=project), project, reason, file)
