"""What is said of bad use, and with which exit code, is the same for every command."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predct"], "No such command 'predct'"),
        (["predict"], "Missing argument 'INPUT'"),
        (["predict", "houses.csv"], "Missing option '--output'"),
        (["explain"], "Missing argument 'INPUT'"),
        (["explain", "houses.csv", "--row", "-1"], "-1 is not in the range x>=0"),
        (["evaluate"], "Missing option '--data'"),
        (["sample", "five", "--output", "x.csv"], "'five' is not a valid integer"),
        (["sample", "-1", "--output", "x.csv"], "No such option|-1 is not in the range"),
        (["train", "--repeats", "0"], "0 is not in the range 1<=x<=100"),
        (["info", "--nonsense"], "No such option"),
    ],
)
def test_bad_use_is_exit_code_2_and_said_on_standard_error(
    call: Callable[..., Result], arguments: list[str], message: str
) -> None:
    result = call(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.search(message, result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "houses.csv", "--output", "prices.csv"],
        ["explain", "houses.csv"],
        ["evaluate", "--data", "houses.csv"],
        ["info"],
        ["doctor"],
    ],
)
def test_without_a_model_every_command_says_how_to_make_one(
    call: Callable[..., Result], table: Path, tmp_path: Path, arguments: list[str]
) -> None:
    for chosen in (arguments, [*arguments, "--artifact", str(tmp_path)]):
        result = call(*chosen)

        assert result.exit_code == 2
        assert result.stdout == ""
        assert "there is no trained model in" in result.stderr
        assert "regression-model train" in result.stderr


def test_an_error_is_a_sentence_on_standard_error_without_a_traceback(
    run: Callable[..., Any], artifact: Path
) -> None:
    ended = run("predict", "absent.csv", "--output", "prices.csv", "--artifact", artifact)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "Error: absent.csv: cannot be read: No such file or directory\n"
