"""What goes with the price comes first; columns that say the same are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from regression_model.exploration import relations
from regression_model.exploration.relations import correlated_pairs, target_relations


def test_columns_of_both_kinds_are_ranked_together(sold: pd.DataFrame, read: Any) -> None:
    sold["SalePrice"] = np.arange(300) * 100 + 50_000
    sold["LotArea"] = np.arange(300, 0, -1) ** 2 + 2000
    sold["HeatingQC"] = np.repeat(["Po", "Fa", "TA"], 100)

    first, second, *_ = target_relations(read(sold))

    assert (first.feature.name, first.measure) == ("LotArea", "Spearman")
    assert first.value == pytest.approx(-1)
    assert (second.feature.name, second.measure) == ("HeatingQC", "η²")
    assert second.value == pytest.approx(1 - (1 - 100**-2) / (9 - 100**-2), abs=1e-3)


def test_only_rows_with_both_values_count(sold: pd.DataFrame, read: Any) -> None:
    sold["LotFrontage"] = [""] * 100 + [60 + i % 50 for i in range(200)]
    sold["SalePrice"] = sold["SalePrice"].astype(object)
    sold.loc[200:249, "SalePrice"] = ""

    found = {r.feature.name: r.rows for r in target_relations(read(sold))}

    assert (found["LotFrontage"], found["LotArea"]) == (150, 250)


def test_a_column_that_does_not_vary_has_no_relation(sold: pd.DataFrame, read: Any) -> None:
    sold["Street"] = "Pave"
    sold["PoolArea"] = 0
    table = read(sold)
    pairs = [{p.left.name, p.right.name} for p in correlated_pairs(table)]

    assert {"Street", "PoolArea"}.isdisjoint(r.feature.name for r in target_relations(table))
    assert {"Street", "PoolArea"}.isdisjoint(set().union(*pairs))


def test_there_are_no_relations_without_prices(sold: pd.DataFrame, read: Any) -> None:
    assert target_relations(read(sold.drop(columns="SalePrice"))) == []


def test_pairs_are_found_by_ranks_and_by_levels(
    sold: pd.DataFrame, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold["MiscVal"] = 15_000 - np.sqrt(sold["LotArea"].astype(float)).round(3)
    sold["RoofStyle"] = sold["Foundation"].map(
        dict(zip(["BrkTil", "CBlock", "PConc", "Slab", "Stone", "Wood"],
                 ["Flat", "Gable", "Gambrel", "Hip", "Mansard", "Shed"], strict=True))
    )  # fmt: skip
    table = read(sold)

    for most in (20_000, 200):
        monkeypatch.setattr(relations, "MAX_ROWS_OF_PAIRS", most)
        found = {(p.left.name, p.right.name): p for p in correlated_pairs(table)}

        assert found["LotArea", "MiscVal"].value == pytest.approx(-1)
        assert found["RoofStyle", "Foundation"].measure == "Cramér's V"
        assert found["RoofStyle", "Foundation"].value == pytest.approx(1)
        assert ("LotArea", "MoSold") not in found
