"""A column is described by what it holds, and by what its nulls mean."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from regression_model.exploration.columns import MAX_BARS, Column, describe
from regression_model.exploration.table import Table


def column(table: Table, name: str) -> Column:
    return describe(table, table.spec.feature(name))


def test_null_is_none_or_unknown_as_the_config_says(sold: pd.DataFrame, read: Any) -> None:
    sold["LotFrontage"] = [""] * 30 + [60] * 270
    sold["Alley"] = [""] * 30 + ["Pave"] * 270
    sold["GarageYrBlt"] = [""] * 30 + [2000] * 270
    table = read(sold)

    gap, level, year = (column(table, n) for n in ("LotFrontage", "Alley", "GarageYrBlt"))

    assert (gap.nulls, gap.none, gap.unknown, gap.known) == (30, 0, 30, 270)
    assert (level.nulls, level.none, level.unknown, level.known) == (30, 30, 0, 300)
    assert (year.nulls, year.none, year.unknown, year.known) == (30, 30, 0, 270)


def test_refused_values_are_unknown(sold: pd.DataFrame, read: Any) -> None:
    sold["LotArea"] = sold["LotArea"].astype(object)
    sold.loc[:4, "LotArea"] = "big"

    found = column(read(sold), "LotArea")

    assert (found.nulls, found.refused, found.unknown) == (0, 5, 5)


def test_levels_are_counted_with_rare_and_absent_ones(sold: pd.DataFrame, read: Any) -> None:
    sold["Street"] = ["Grvl"] * 2 + ["Pave"] * 298
    sold["LandSlope"] = ["Sev"] * 3 + ["Gtl"] * 297
    table = read(sold)

    street, slope = column(table, "Street"), column(table, "LandSlope")

    assert street.levels == {"Grvl": 2, "Pave": 298}
    assert street.rare == {"Grvl": 2}
    assert slope.rare == {}  # one in a hundred is not fewer
    assert slope.never_met == ["Mod"]
    assert street.nearly_constant
    assert slope.nearly_constant


def test_bars_of_ordered_levels_keep_their_order_and_others_are_sorted(
    sold: pd.DataFrame, read: Any
) -> None:
    sold["LandSlope"] = ["Sev"] * 10 + ["Gtl"] * 290
    sold["Street"] = ["Grvl"] * 10 + ["Pave"] * 290
    table = read(sold)

    assert column(table, "LandSlope").bars == [("Sev", 10), ("Gtl", 290)]
    assert column(table, "Street").bars == [("Pave", 290), ("Grvl", 10)]


def test_numbers_are_summed_up(sold: pd.DataFrame, read: Any) -> None:
    sold["LotArea"] = [2000] * 150 + [4000] * 149 + [500_000]
    found = column(read(sold), "LotArea").numbers

    assert found is not None
    assert (found.minimum, found.lower_quartile, found.maximum) == (2000, 2000, 500_000)
    assert found.mean == pytest.approx((150 * 2000 + 149 * 4000 + 500_000) / 300)
    assert found.beyond_range == 1
    assert found.far_out.tolist() == [299]


def test_skewness_is_the_third_standardised_moment(sold: pd.DataFrame, read: Any) -> None:
    # Three of four values at 0, one at 4: mean 1, σ² = 3, third moment (27 - 3) / 4 = 6.
    sold["OpenPorchSF"] = [0, 0, 0, 4] * 75
    found = column(read(sold), "OpenPorchSF").numbers

    assert found is not None
    assert found.skewness == pytest.approx(6 / 3**1.5)


def test_the_farthest_value_comes_first(sold: pd.DataFrame, read: Any) -> None:
    sold["LotArea"] = [10_000 + i for i in range(300)]
    sold.loc[[5, 9], "LotArea"] = [50_000, 90_000]
    found = column(read(sold), "LotArea").numbers

    assert found is not None
    assert found.far_out.tolist() == [9, 5]


def test_bars_hold_every_known_value_however_far_out(sold: pd.DataFrame, read: Any) -> None:
    sold.loc[0, "LotArea"] = 50_000_000
    found = column(read(sold), "LotArea")

    assert len(found.bars) == MAX_BARS
    assert sum(count for _, count in found.bars) == found.known
    assert max(count for _, count in found.bars) < 100  # the giant does not flatten the rest


def test_a_column_of_nothing_is_described(sold: pd.DataFrame, read: Any) -> None:
    sold["LotArea"] = ""
    found = column(read(sold), "LotArea")

    assert (found.known, found.bars, found.numbers, found.nearly_constant) == (0, [], None, False)
