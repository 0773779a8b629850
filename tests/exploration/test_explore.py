"""An exploration says what deserves a look, worst first, and renders to a page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regression_model.exploration.explore import STEPS, explore
from regression_model.exploration.findings import Finding, Weight, findings
from regression_model.exploration.report import render
from regression_model.exploration.summary import as_dict
from regression_model.exploration.table import read_table


def about(listed: list[Finding], text: str) -> Finding:
    (found,) = (f for f in listed if text in f.message)
    return found


@pytest.fixture
def spoiled(sold: pd.DataFrame) -> pd.DataFrame:
    """Sales with one fault of each kind."""
    sold = sold.astype(object)
    sold.loc[[4, 5], "MSZoning"] = "XX"
    sold.loc[10, "Id"] = 1
    sold.loc[20] = sold.loc[21]
    sold.loc[20, "Id"] = 9000
    sold["LotFrontage"] = [""] * 100 + [60] * 200
    sold["Street"] = "Pave"
    sold.loc[30, ["LotArea", "GrLivArea", "1stFlrSF"]] = [190_000, 5600, 4600]
    sold["Extra"] = 1
    return sold.drop(columns="Fence")


def test_every_fault_is_found_with_its_weight(spoiled: pd.DataFrame, read: Any) -> None:
    listed = findings(explore(read(spoiled)))

    level = about(listed, "'XX' is not a level")
    assert (level.weight, level.column, level.rows) == (Weight.REFUSED, "MSZoning", 2)
    assert level.where == "Id 5, Id 6"
    assert about(listed, "does not have it").column == "Fence"
    assert about(listed, "the first is in an earlier row").where == "Id 1 (as row 1)"
    assert about(listed, "in everything but the identifier").where == "Id 22 (as row 21)"
    assert about(listed, "33% of the values are unknown").column == "LotFrontage"
    assert "Street" in {f.column for f in listed if f.message == "every known value is the same"}
    assert about(listed, "unknown column(s) are not used: Extra").weight == Weight.DOUBTFUL
    assert any(f.where == "Id 31" and "far out in" in f.message for f in listed)


def test_the_worst_comes_first(spoiled: pd.DataFrame, read: Any) -> None:
    weights = [f.weight for f in findings(explore(read(spoiled)))]

    assert weights == sorted(weights)
    assert set(weights) == set(Weight)


def test_sound_sales_are_not_refused(sold: pd.DataFrame, read: Any) -> None:
    assert Weight.REFUSED not in {f.weight for f in findings(explore(read(sold)))}


def test_a_table_to_predict_may_lack_columns_but_not_those_a_price_needs(
    sold: pd.DataFrame, read: Any
) -> None:
    listed = findings(explore(read(sold.drop(columns=["SalePrice", "Fence", "GrLivArea"]))))

    weights = {f.column: f.weight for f in listed if "the table does not have it" in f.message}
    assert weights == {"Fence": Weight.DOUBTFUL, "GrLivArea": Weight.REFUSED}


def test_what_changed_against_another_table_is_found(sold: pd.DataFrame, read: Any) -> None:
    sold["LandSlope"] = ["Sev", "Gtl"] * 150
    reference = read(sold, "before.csv")
    sold["LandSlope"] = ["Mod", "Gtl"] * 150
    sold["LotFrontage"] = ""

    listed = findings(explore(read(sold), reference))

    assert about(listed, "level not met in before.csv: LandSlope Mod").rows == 150
    assert about(listed, "level met in before.csv alone: LandSlope Sev").weight == Weight.NOTE
    changed = {f.column for f in listed if f.message.startswith("changed against before.csv")}
    assert changed == {"LandSlope", "LotFrontage"}
    assert about(listed, "without a value in 100% of the rows").column == "LotFrontage"


def test_progress_is_told_step_by_step(sold: pd.DataFrame, read: Any) -> None:
    steps: list[int] = []

    explore(read(sold), step=lambda: steps.append(1))

    assert len(steps) == STEPS


def test_the_page_is_the_same_every_time_and_holds_everything(
    spoiled: pd.DataFrame, sold: pd.DataFrame, read: Any
) -> None:
    found = explore(read(spoiled), read(sold, "before.csv"))

    page = render(found)

    assert page == render(found)
    for title in ("What deserves a look", "Null and unknown", "Differences from before.csv"):
        assert f">{title}</a>" in page
    for finding in findings(found):
        assert finding.message.replace("'", "&#39;") in page
    assert page.count("<figure>") == 4
    assert len(re.findall(r'aria-label="Distribution of \w+" width', page)) == len(found.columns)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_table_of_hardly_any_rows_is_explored(sold: pd.DataFrame, read: Any, rows: int) -> None:
    few = read(sold[:rows], "few.csv")

    for found in (explore(few, few), explore(read(sold), few)):
        assert "<h1>Exploration of " in render(found)
        json.dumps(as_dict(found), allow_nan=False)


def test_a_table_of_nothing_but_faults_is_explored(sold: pd.DataFrame, read: Any) -> None:
    sold = sold.astype(object)
    sold.loc[:, :] = "?"
    found = explore(read(sold))

    assert "<h1>" in render(found)
    assert {f.weight for f in findings(found)} >= {Weight.REFUSED}


def test_machines_get_the_findings_and_the_figures(spoiled: pd.DataFrame, read: Any) -> None:
    told = json.loads(json.dumps(as_dict(explore(read(spoiled), read(spoiled))), allow_nan=False))

    assert told["table"]["rows"] == 300
    assert told["columns"]["LotFrontage"]["unknown"] >= 100
    assert told["columns"]["Street"]["levels"] == {"Grvl": 0, "Pave": 300}
    assert told["repeated_rows"] == [[22, 21]]
    assert told["repeated_ids"] == [[11, 1]]
    assert told["findings"][0]["weight"] == "refused"
    assert told["against"]["columns"]["LotArea"]["verdict"] == "stable"


def test_the_real_sales(ames: Path, spec: Any) -> None:
    found = explore(read_table(ames / "train.csv", spec), read_table(ames / "test.csv", spec))
    listed = findings(found)

    assert Weight.REFUSED not in {f.weight for f in listed}
    assert [r.feature.name for r in found.target_relations[:3]] == [
        "OverallQual", "Neighborhood", "GrLivArea",
    ]  # fmt: skip
    assert found.target_relations[0].value == pytest.approx(0.80983, abs=1e-4)
    columns = {c.feature.name: c for c in found.columns}
    assert columns["Alley"].none == 1369
    assert (columns["GarageYrBlt"].none, columns["LotFrontage"].unknown) == (81, 259)
    assert {"524", "1299"} <= {found.table.label(e.row).split()[1] for e in found.extremes[:2]}
    assert about(listed, "met in test.csv alone").message.endswith("MSSubClass 150")
    assert found.differences is not None
    assert {c.verdict for c in found.differences.changes} == {"stable"}
    assert len(render(found)) < 3_000_000
