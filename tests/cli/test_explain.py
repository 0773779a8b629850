"""The command `explain`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result


@pytest.fixture
def shown(call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What ``explain`` shows on a terminal of a certain width, without its colours."""

    def show(*arguments: Any, width: int) -> list[str]:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(width))
        result = call("explain", *arguments)
        assert result.exit_code == 0, result.stderr
        return re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).splitlines()

    return show


def dollars(line: str) -> int:
    """The amount at the end of a line."""
    sign, amount = re.search(r"([-+]?)\$([\d,]+)$", line.rstrip()).groups()  # type: ignore[union-attr]
    return int(f"{sign}{amount.replace(',', '')}")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("row", [0, 9])
def test_explain_shows_amounts_that_add_up_to_the_price(
    call: Callable[..., Result],
    artifact: Path,
    shown: Callable[..., list[str]],
    width: int,
    row: int,
) -> None:
    assert call("sample", 12, "--output", "houses.csv").exit_code == 0

    lines = shown("houses.csv", "--row", row, "--artifact", artifact, width=width)

    start = next(i for i, line in enumerate(lines) if line.startswith("typical house "))
    end = next(i for i, line in enumerate(lines) if line.startswith("price "))
    amounts = [dollars(line) for line in lines[start:end]]
    assert sum(amounts) == pytest.approx(dollars(lines[end]), abs=len(amounts) / 2)
    assert f"Row {row} of houses.csv: ${dollars(lines[end]):,}" in lines[0]
    assert re.search(r"^90% range \$[\d,]+ to \$[\d,]+, FSD [\d.]+%$", lines[1].rstrip())
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    for line in lines[start + 1 : end]:
        bar = re.search(r"([█▐]*)│([█▌]*)", line)
        if bar is not None and len(bar[0]) > 1:
            assert bool(bar[1]) == (dollars(line) < 0)


def test_explain_warns_loudly_that_sales_of_the_sample_never_happened(
    call: Callable[..., Result], artifact: Path, table: Path
) -> None:
    result = call("explain", table, "--artifact", artifact)

    assert result.exit_code == 0
    assert "SYNTHETIC" in result.stdout
    assert len(re.findall(r"^Id \d+ +\d{4}-\d{2} +\d+\.\d% +\$", result.stdout, re.MULTILINE)) == 5


def test_explain_answers_in_json_what_the_model_answers(
    call: Callable[..., Result], artifact: Path, table: Path
) -> None:
    from regression_model import load_model

    result = call("explain", table, "--row", 2, "--artifact", artifact, "--json")

    house = {"Id": 3, "Neighborhood": "Nowhere", "OverallQual": 5, "YearBuilt": 1960}
    expected = load_model(artifact).predict({**house, "GrLivArea": 1000}, explain=True)
    assert json.loads(result.stdout) == expected


@pytest.mark.parametrize("wrap", [lambda h: h[0], lambda h: h, lambda h: {"inputs": h}])
def test_explain_reads_houses_in_json(
    call: Callable[..., Result], header: str, artifact: Path, tmp_path: Path, wrap: Any
) -> None:
    house = dict(zip(header.split(","), (1, "NAmes", 5, 1960, 1000), strict=True))
    tmp_path.joinpath("house.json").write_text(json.dumps(wrap([house])))

    result = call("explain", "house.json", "--artifact", artifact, "--json")

    assert json.loads(result.stdout)["ids"] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["houses.csv", "--row", "3"],
            "houses.csv has 3 row(s), counted from 0; there is no row 3",
        ),
        (["houses.csv", "--row", "1"], "row 1 of houses.csv has no price: GrLivArea must lie in"),
        (["houses.txt"], "houses.txt: unknown kind of table; expected .csv"),
        (["absent.csv"], "absent.csv: cannot be read: No such file"),
        (["absent.json"], "absent.json: cannot be read: No such file"),
        (["bad.json"], "bad.json: the body is not strict JSON"),
        (["empty.json"], "empty.json: the list of houses is empty"),
    ],
)
def test_explain_refuses_what_it_cannot_explain(
    call: Callable[..., Result],
    artifact: Path,
    table: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    tmp_path.joinpath("bad.json").write_text("{")
    tmp_path.joinpath("empty.json").write_text("[]")

    result = call("explain", *arguments, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
