"""Two tables beside each other: what moved is found, what chance does is not called a change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from regression_model.exploration.differences import Change, Differences, compare


def change(differences: Differences, name: str) -> Change:
    (found,) = (c for c in differences.changes if c.feature.name == name)
    return found


def test_a_table_does_not_differ_from_itself(sold: pd.DataFrame, read: Any) -> None:
    table = read(sold)
    found = compare(table, table)

    assert {c.verdict for c in found.changes} == {"stable"}
    assert max(c.stability for c in found.changes) == 0
    assert max(c.distance for c in found.changes if c.distance is not None) == 0
    assert not found.only_table
    assert not found.only_reference


def test_halves_of_one_population_are_stable(sold: pd.DataFrame, read: Any) -> None:
    found = compare(read(sold[::2]), read(sold[1::2]))

    assert np.mean([c.verdict == "stable" for c in found.changes]) > 0.9


def test_what_moved_comes_first_with_its_verdict(sold: pd.DataFrame, read: Any) -> None:
    reference = read(sold)
    sold["YearBuilt"] = sold["YearBuilt"] + 60
    sold["Street"] = np.where(np.arange(300) < 60, "Grvl", "Pave")

    found = compare(read(sold), reference)

    assert {c.feature.name for c in found.changes[:2]} == {"YearBuilt", "Street"}
    assert change(found, "YearBuilt").verdict == "changed"
    assert change(found, "Street").verdict == "changed"
    assert change(found, "YearBuilt").distance == pytest.approx(0.6, abs=0.35)
    assert change(found, "Street").distance is None


def test_a_move_within_a_column_that_is_mostly_zero_is_seen(sold: pd.DataFrame, read: Any) -> None:
    sold["ScreenPorch"] = [0] * 270 + list(range(100, 130))
    reference = read(sold)
    sold["ScreenPorch"] = [0] * 150 + list(range(100, 250))

    found = change(compare(read(sold), reference), "ScreenPorch")

    assert found.verdict == "changed"
    assert found.bins[0].label == "0"
    assert found.bins[0].counts == (150, 270)


def test_levels_and_columns_come_and_go(sold: pd.DataFrame, read: Any) -> None:
    sold["LandSlope"] = ["Sev", "Gtl"] * 150
    reference = read(sold.drop(columns="Fence"))
    sold["LandSlope"] = ["Mod", "Gtl"] * 150

    found = compare(read(sold.drop(columns=["SalePrice", "Alley"])), reference)

    assert change(found, "LandSlope").new == ["Mod"]
    assert change(found, "LandSlope").gone == ["Sev"]
    assert found.only_table == ["Fence"]
    assert set(found.only_reference) == {"Alley", "SalePrice"}


def test_empty_cells_are_a_bin_of_their_own(sold: pd.DataFrame, read: Any) -> None:
    sold["LotFrontage"] = 60
    reference = read(sold)
    sold["LotFrontage"] = [""] * 90 + [60] * 210

    found = change(compare(read(sold), reference), "LotFrontage")

    assert found.empty == (0.3, 0)
    assert found.verdict == "changed"
    assert found.distance == 0


def test_few_whole_values_are_bins_and_years_are_written_as_years(
    sold: pd.DataFrame, read: Any
) -> None:
    table = read(sold)
    found = compare(table, table)

    months = sorted(set(sold["MoSold"]))
    assert [part.label for part in change(found, "MoSold").bins] == [str(m) for m in months]
    years = [part.label for part in change(found, "YearBuilt").bins]
    assert all("," not in label for label in years)
    assert "," in change(found, "LotArea").bins[0].label


@pytest.mark.parametrize("name", ["LotArea", "MoSold", "MSZoning", "GarageYrBlt", "PoolArea"])
def test_bins_hold_every_row_of_both_tables(sold: pd.DataFrame, read: Any, name: str) -> None:
    found = change(compare(read(sold[:100]), read(sold)), name)

    assert np.sum([part.counts for part in found.bins], axis=0).tolist() == [100, 300]


def test_a_table_without_rows_has_no_changes(sold: pd.DataFrame, read: Any) -> None:
    assert compare(read(sold[:0]), read(sold)).changes == []
    assert compare(read(sold), read(sold[:0])).changes == []
