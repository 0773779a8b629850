"""What the console script says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click import Context
from click.testing import Result

from regression_model.cli import group

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    f"{name} {part}".rstrip()
    for name in group.list_commands(Context(group))
    for part in getattr(group.get_command(Context(group), name), "commands", [""])
]
VERSION = ROOT.joinpath("regression_model/VERSION").read_text().strip()


def test_help_names_every_command_with_a_first_round_and_the_exit_codes(
    call: Callable[..., Result],
) -> None:
    result = call("--help")

    assert result.exit_code == 0
    for name in COMMANDS:
        listed = name.partition(" ")[0]
        assert re.search(rf"^  {listed}  +\w", result.output, re.MULTILINE), name
    assert "regression-model predict houses.csv --output prices.csv" in result.output
    assert re.search(r"Exit codes: 0 .*1 .*2 ", result.output, re.DOTALL)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_teaches_by_an_example(
    call: Callable[..., Result], name: str
) -> None:
    result = call(*name.split(), "--help")

    assert result.exit_code == 0
    assert re.search(rf"^ +regression-model {name}\b", result.output, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_for_machines(call: Callable[..., Result], name: str) -> None:
    assert "--json" in call(*name.split(), "--help").output


def test_the_version_is_the_one_in_the_version_file(call: Callable[..., Result]) -> None:
    result = call("--version")

    assert result.exit_code == 0
    assert VERSION in result.output
