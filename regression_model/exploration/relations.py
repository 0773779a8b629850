"""Columns beside each other: what goes with the price, and which columns say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from regression_model.config.spec import Feature
from regression_model.exploration.measures import correlation_ratio, cramers_v
from regression_model.exploration.table import Table

CORRELATED = 0.8
MIN_ROWS = 10
MAX_ROWS_OF_PAIRS = 20_000

Measure = Literal["Spearman", "η²", "Cramér's V"]


@dataclass(frozen=True)
class TargetRelation:
    """How a column goes with the price, by ranks of the price.

    ``share`` is the part of the variance of those ranks that the column accounts for (ρ² or η²),
    by which columns of both kinds are ranked together; ``rows`` have both values.
    """

    feature: Feature
    measure: Measure
    value: float
    share: float
    rows: int


@dataclass(frozen=True)
class Pair:
    """Two columns that go together."""

    left: Feature
    right: Feature
    measure: Measure
    value: float


def target_relations(table: Table) -> list[TargetRelation]:
    """Return every column against the price, the strongest first; empty where there are no prices.

    Spearman's rank correlation (1904) for numbers, the correlation ratio for levels.
    """
    prices = table.prices
    if prices is None:
        return []
    found = []
    for feature in table.features:
        if feature.role != "target":
            values = table.frame[feature.name].to_numpy(float)
            both = ~np.isnan(values) & ~np.isnan(prices)
            relation = _relation(feature, pd.Series(values[both]), pd.Series(prices[both]))
            if relation is not None:
                found.append(relation)
    return sorted(found, key=lambda relation: -relation.share)


def _relation(feature: Feature, values: pd.Series, prices: pd.Series) -> TargetRelation | None:
    if len(values) < MIN_ROWS or values.nunique() < 2 or prices.nunique() < 2:
        return None
    if feature.has_levels:
        ranks = prices.rank().to_numpy(dtype=np.float64)
        share = correlation_ratio(values.to_numpy(dtype=np.float64), np.asarray(ranks, dtype=float))
        return TargetRelation(feature, "η²", share, share, len(values))
    rho = float(values.rank().corr(prices.rank()))
    return TargetRelation(feature, "Spearman", rho, rho**2, len(values))


def correlated_pairs(table: Table) -> list[Pair]:
    """Pairs of input columns from ``CORRELATED`` on, the strongest first.

    Numbers and ordered levels by Spearman, pairs with a nominal column by Cramér's V; of a long
    table by ``MAX_ROWS_OF_PAIRS`` rows at most, evenly spread, as there are thousands of pairs.
    """
    inputs = [f for f in table.features if f.role != "target"]
    frame = table.frame.iloc[:: -(-len(table.frame) // MAX_ROWS_OF_PAIRS) or 1]
    pairs = [*_ranked_pairs(frame, inputs), *_level_pairs(frame, inputs)]
    return sorted(pairs, key=lambda pair: -abs(pair.value))


def _ranked_pairs(frame: pd.DataFrame, inputs: Sequence[Feature]) -> Iterator[Pair]:
    ranked = [f for f in inputs if f.kind != "nominal"]
    matrix = (
        frame[[f.name for f in ranked]].corr(method="spearman", min_periods=MIN_ROWS).to_numpy()
    )
    for i, j in combinations(range(len(ranked)), 2):
        if abs(matrix[i, j]) >= CORRELATED:  # never of NaN, where a column does not vary
            yield Pair(ranked[i], ranked[j], "Spearman", float(matrix[i, j]))


def _level_pairs(frame: pd.DataFrame, inputs: Sequence[Feature]) -> Iterator[Pair]:
    for left, right in combinations([f for f in inputs if f.has_levels], 2):
        if "nominal" in (left.kind, right.kind):
            a, b = (frame[f.name].to_numpy(float) for f in (left, right))
            both = ~np.isnan(a) & ~np.isnan(b)
            if both.sum() >= MIN_ROWS:
                value = cramers_v(a[both], b[both])
                if value >= CORRELATED:
                    yield Pair(left, right, "Cramér's V", value)
