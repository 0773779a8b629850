"""The command `evaluate`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.version import DISTRIBUTION, VERSION


def test_evaluate_scores_and_counts(
    call: Callable[..., Result], artifact: Path, sold: Path
) -> None:
    shown = call("evaluate", "--data", sold, "--artifact", artifact)
    result = call("evaluate", "--data", sold, "--artifact", artifact, "--json")

    scores = json.loads(result.stdout)
    assert shown.exit_code == result.exit_code == 0
    assert {"rows", "rmsle", "mae", "mdape", "ppe10", "r2", "coverage"} <= set(scores)
    assert scores["rows"] == scores["study"]["sales"] == 200
    assert 0 < scores["rmsle"] < 0.3
    assert 0.7 < scores["coverage"] <= 1
    assert scores["trained_on_these_sales"] is False
    assert {"text", "within"} == set(scores["verdict"][0])
    assert "200 sales" in shown.stdout
    assert f"{scores['rmsle']:.4f}" in shown.stdout


def test_evaluate_shows_ranges_ratios_and_what_is_past_its_limit(
    call: Callable[..., Result], artifact: Path, sold: Path
) -> None:
    result = call("evaluate", "--data", sold, "--artifact", artifact)

    for word in ("ranges at 90% coverage", "median ratio", "PRB", "0.98 to 1.03", "ok   PRD"):
        assert word in result.stdout, word
    assert len(re.findall(r"^│ \$.* to \$", result.stdout, re.MULTILINE)) == 10
    tables = [line for line in result.stdout.splitlines() if line[:1] in "┏┃┡│└"]
    assert max(map(len, tables)) <= 100


def test_evaluate_says_when_the_model_was_trained_on_these_sales(
    call: Callable[..., Result], sold: Path, small_config: Path
) -> None:
    call("train", "--data", sold, "--config", small_config, "--output", "models")

    shown = call("evaluate", "--data", sold, "--artifact", "models")
    told = call("evaluate", "--data", sold, "--artifact", "models", "--json")

    assert "trained on these sales" in shown.stderr
    assert json.loads(told.stdout)["trained_on_these_sales"] is True


def test_evaluate_writes_a_page(call: Callable[..., Result], artifact: Path, sold: Path) -> None:
    arguments = ["evaluate", "--data", sold, "--artifact", artifact, "--report", "report.html"]

    result = call(*arguments, "--json")

    assert result.exit_code == 0, result.stderr
    assert "report written to report.html" in result.stderr
    assert json.loads(result.stdout)["rows"] == 200
    assert Path("report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_evaluate_refuses_a_page_that_it_cannot_write(
    call: Callable[..., Result], artifact: Path, sold: Path
) -> None:
    for target, message in (
        (
            "absent/report.html",
            "absent/report.html: cannot be written: No such file or directory; make the folder",
        ),
        (".", ".: cannot be written: this is a folder; name a file"),
    ):
        result = call("evaluate", "--data", sold, "--artifact", artifact, "--report", target)

        assert result.exit_code == 2
        assert result.stdout == ""
        assert message in result.stderr


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_only_the_page_needs_the_libraries_of_reports(
    run: Callable[..., Any], artifact: Path, sold: Path, package: str
) -> None:
    arguments = ["evaluate", "--data", sold, "--artifact", artifact]

    without = run(*arguments, absent=package)
    asked = run(*arguments, "--report", "report.html", absent=package)

    assert without.returncode == 0, without.stderr
    assert asked.returncode == 2
    assert f"needs {package}, which is not installed" in asked.stderr
    assert f'{sys.executable} -m pip install "{DISTRIBUTION}[report]=={VERSION}"' in asked.stderr
    assert not Path("report.html").exists()


def test_evaluate_takes_a_handful_of_sales(call: Callable[..., Result], artifact: Path) -> None:
    assert call("sample", 7, "--output", "few.csv").exit_code == 0

    result = call("evaluate", "--data", "few.csv", "--artifact", artifact, "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 7


def test_evaluate_refuses_houses_without_a_price(
    call: Callable[..., Result], artifact: Path, table: Path
) -> None:
    result = call("evaluate", "--data", table, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "SalePrice" in result.stderr
