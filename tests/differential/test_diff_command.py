"""``regression-model diff``: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from regression_model.cli import group

INDEX = f"{'PIP_'}INDEX_URL"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGRESSION_MODEL_DATASETS", raising=False)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text(
        "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea\n"
        "1,NAmes,5,1960,1000\n2,OldTown,6,1920,1500\n"
    )
    return path


def diff(*arguments: Any) -> Result:
    result = CliRunner().invoke(group, ["diff", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_equal_models_pass(artifact: Path, houses: Path) -> None:
    shown = diff(artifact, artifact, "--data", houses)
    told = diff(artifact, artifact, "--data", houses, "--json")

    assert shown.exit_code == told.exit_code == 0
    assert "No difference: both models give the same prices." in shown.stdout
    found = json.loads(told.stdout)
    assert found["overall"]["largest_move"] == 0
    assert found["data"] == {"name": "houses.csv", "houses": 2}
    assert all(check["passed"] for check in found["checks"])


def test_a_change_past_a_limit_is_exit_code_1_and_named(
    artifact: Path, higher_priced: Path, houses: Path
) -> None:
    result = diff(artifact, higher_priced, "--data", houses, "--report", "diff.md")

    assert result.exit_code == 1
    assert "the new model changes more than its config allows:" in result.stderr
    assert "  houses moved by more than 10%: 100.0%, at most 1.0%" in result.stderr
    assert "`differential`" in result.stderr
    assert "Contributions changed" not in result.stderr
    assert "past their limits" in result.stdout
    assert re.search(
        r"^\d+ houses of \S+\.csv valued by both models\.", result.stdout, re.MULTILINE
    )
    assert "past their limits" in Path("diff.md").read_text()
    told = diff(artifact, higher_priced, "--data", houses, "--json", "--movers", "1")
    assert told.exit_code == 1
    (mover,) = json.loads(told.stdout)["movers"]
    assert mover["new"] / mover["old"] == pytest.approx(1.2)


def test_generated_houses_are_said_to_be_such(artifact: Path) -> None:
    result = diff(artifact, artifact, "--movers", "0", "--json")

    assert result.exit_code == 0
    assert "compared on generated houses" in result.stderr
    assert json.loads(result.stdout)["data"] == {"name": "generated houses", "houses": 1460}


def test_fetched_sales_come_first(
    artifact: Path, houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    houses.rename(tmp_path / "data" / "train.csv")
    monkeypatch.setenv("REGRESSION_MODEL_DATASETS", str(tmp_path / "data"))

    assert json.loads(diff(artifact, artifact, "--json").stdout)["data"]["name"] == "train.csv"


@pytest.mark.parametrize("report", ["diff.html", "diff.md"])
def test_the_first_release_has_nothing_to_compare_with(artifact: Path, report: str) -> None:
    shown = diff("released", artifact, "--report", report)
    told = diff("released", artifact, "--json")

    assert shown.exit_code == told.exit_code == 0
    assert "there is nothing to compare with" in re.sub(r"\s+", " ", shown.stdout)
    assert "there is nothing to compare with" in Path(report).read_text()
    assert json.loads(told.stdout)["old"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{artifact}"], "Missing argument 'NEW'"),
        (["{artifact}", "modles"], "modles is neither a folder nor a version"),
        (["{artifact}", "."], "there is no trained model in ."),
        (["{artifact}", "released"], "NEW is 'released', and the package index has no release"),
        (
            ["0.0.1", "{artifact}"],
            "the package index has no wheel of house-price-regression==0.0.1",
        ),
        (["{artifact}", "{artifact}", "--data", "no.csv"], "no.csv: cannot be read"),
        (["{artifact}", "{artifact}", "--data", "no.txt"], "no.txt: unknown kind of table"),
        (["{artifact}", "{artifact}", "--report", "x.pdf"], "x.pdf: unknown kind of report"),
        (
            ["{artifact}", "{artifact}", "--report", "no/x.md"],
            "no/x.md: cannot be written: No such file",
        ),
    ],
)
def test_bad_use_is_exit_code_2_and_says_what_to_do(
    artifact: Path, arguments: list[str], message: str
) -> None:
    result = diff(*(argument.format(artifact=artifact) for argument in arguments))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in re.sub(r"\s+", " ", result.stderr)


def test_an_index_that_cannot_be_reached_is_exit_code_2(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv(INDEX, "http://127.0.0.1:9/simple/")

    result = diff("released", artifact)

    assert result.exit_code == 2
    assert "the package index cannot be asked for house-price-regression" in result.stderr
