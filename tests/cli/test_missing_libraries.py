"""A command that lacks a library says which, and how to install it; predicting lacks none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regression_model.version import DISTRIBUTION, VERSION

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("command", "package", "name"),
    [
        ("tune", "sklearn", "scikit-learn"),
        ("train", "pandas", "pandas"),
        ("train", "sklearn", "scikit-learn"),
        ("train", "strictyaml", "strictyaml"),
        ("train", "joblib", "joblib"),
        ("evaluate", "pandas", "pandas"),
        ("train", "threadpoolctl", "threadpoolctl"),
        ("sample", "pandas", "pandas"),
        ("sample", "strictyaml", "strictyaml"),
        ("explore", "pandas", "pandas"),
        ("data", "pandas", "pandas"),
        ("data", "strictyaml", "strictyaml"),
    ],
)
def test_a_missing_training_library_is_said_with_the_command_that_installs_it(
    run: Callable[..., Any], artifact: Path, sold: Path, command: str, package: str, name: str
) -> None:
    commands: dict[str, list[Any]] = {
        "train": ["train", "--data", sold, "--output", "models"],
        "tune": ["tune", "--data", sold],
        "evaluate": ["evaluate", "--data", sold, "--artifact", artifact],
        "sample": ["sample", "3", "--output", "houses.csv"],
        "explore": ["explore", "--data", sold, "--report", "page.html"],
        "data": ["data", "fetch"],
    }

    ended = run(*commands[command], absent=package)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        f"Error: '{command}' needs {name}, which is not installed. "
        f'Install it with: {sys.executable} -m pip install "{DISTRIBUTION}[train]=={VERSION}"\n'
    )


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["data", "fetch"], "urllib3", "data"),
        (["train", "--sql", "SELECT 1", "--database", "sqlite://"], "sqlalchemy", "sql"),
    ],
)
def test_what_fetching_needs_is_said_with_the_command_that_installs_it(
    run: Callable[..., Any], arguments: list[str], package: str, extra: str
) -> None:
    ended = run(*arguments, absent=package)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: '{arguments[0]}' needs {package}, which is not installed. "
        f'Install it with: {sys.executable} -m pip install "{DISTRIBUTION}[{extra}]=={VERSION}"\n'
    )


def test_predicting_needs_no_extra(run: Callable[..., Any], artifact: Path, table: Path) -> None:
    extras = "pandas sklearn scipy joblib strictyaml onnx skl2onnx pyarrow flask"

    for arguments in (
        ["predict", table, "--output", "prices.csv"],
        ["explain", table],
        ["info"],
        ["doctor"],
    ):
        ended = run(*arguments, "--artifact", artifact, absent=extras)

        assert ended.returncode == 0, ended.stderr
    assert Path("prices.csv").is_file()
