"""Each column by itself: how full, how varied, how distributed, and what lies far out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import NONE, UNKNOWN, Feature
from regression_model.exploration.measures import Values, outer_fences
from regression_model.exploration.table import Table

RARE = 0.01
NEARLY_CONSTANT = 0.99
MAX_BARS = 24


@dataclass(frozen=True)
class Numbers:
    """The distribution of a column of numbers.

    ``beyond_range`` counts values outside of the range that the config declares, ``far_out`` are
    the places of those beyond the outer fences, the farthest first.
    """

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    mean: float
    skewness: float
    beyond_range: int
    far_out: NDArray[np.intp]


@dataclass(frozen=True)
class Column:
    """What is in a column; ``numbers`` and ``levels`` as its kind has them.

    ``nulls`` counts the cells that hold null, ``none`` the rows where null, or the level that null
    means, says that the house has none of it. ``refused`` values do not fit the config;
    ``unknown`` are those, and null and absent ones that say nothing: what the model fills in.
    ``bars`` are counts from left to right, of values, of levels or of equal steps.
    """

    feature: Feature
    rows: int
    nulls: int
    none: int
    refused: int
    unknown: int
    distinct: int
    largest_share: float
    bars: Sequence[tuple[str, int]]
    numbers: Numbers | None = None
    levels: dict[str, int] | None = None

    @property
    def known(self) -> int:
        """Return rows with a value, a level that means "none" included."""
        no_value = self.none if self.feature.null_means == NONE else 0
        return self.rows - self.unknown - no_value

    @property
    def nearly_constant(self) -> bool:
        return bool(self.known) and self.largest_share >= NEARLY_CONSTANT

    @property
    def rare(self) -> dict[str, int]:
        """Return levels that were met in fewer than one row in a hundred."""
        limit = RARE * self.known
        return {k: n for k, n in (self.levels or {}).items() if 0 < n < limit}

    @property
    def never_met(self) -> list[str]:
        return [level for level, count in (self.levels or {}).items() if not count]


def describe(table: Table, feature: Feature) -> Column:
    """Describe one column of the table."""
    values = table.frame[feature.name].to_numpy(float)
    known = values[~np.isnan(values)]
    distinct, counts = np.unique(known, return_counts=True)
    levels = _levels(feature, known) if feature.has_levels else None
    nulls = table.nulls.get(feature.name, 0)
    empty = len(values) - len(known)
    return Column(
        feature=feature,
        rows=len(values),
        nulls=nulls,
        none=_none(feature, levels, nulls),
        refused=sum(f.count for f in table.faults if f.refused and f.column == feature.name),
        unknown=empty - nulls if feature.null_means == NONE else empty,
        distinct=len(distinct),
        largest_share=float(counts.max() / len(known)) if len(known) else 0.0,
        bars=_level_bars(feature, levels) if levels is not None else _number_bars(feature, known),
        numbers=_numbers(feature, values) if len(known) and levels is None else None,
        levels=levels,
    )


def _none(feature: Feature, levels: dict[str, int] | None, nulls: int) -> int:
    if feature.null_means == UNKNOWN:
        return 0
    return nulls if levels is None else levels[str(feature.null_means)]


def written(feature: Feature, value: float) -> str:
    """Return a value as people write it: years have no separator of thousands."""
    if feature.kind == "year":
        return f"{value:.10g}"
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:,.4g}"


def _levels(feature: Feature, codes: Values) -> dict[str, int]:
    counts = np.bincount(codes.astype(int), minlength=len(feature.levels))
    return {str(level): int(n) for level, n in zip(feature.levels, counts, strict=True)}


def _numbers(feature: Feature, values: Values) -> Numbers:
    known = values[~np.isnan(values)]
    points = [float(q) for q in np.quantile(known, [0, 0.25, 0.5, 0.75, 1])]
    low, high = feature.range or (-np.inf, np.inf)
    return Numbers(
        minimum=points[0],
        lower_quartile=points[1],
        median=points[2],
        upper_quartile=points[3],
        maximum=points[4],
        mean=float(known.mean()),
        skewness=_skewness(known),
        beyond_range=int(np.sum((known < low) | (known > high))),
        far_out=_far_out(values),
    )


def _skewness(values: Values) -> float:
    """Return the third standardised moment, 0 where nothing varies."""
    deviations = values - values.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return float(np.mean(deviations**3)) / spread**3 if spread else 0.0


def _far_out(values: Values) -> NDArray[np.intp]:
    fences = outer_fences(values[~np.isnan(values)])
    if fences is None:
        return np.array([], dtype=np.intp)
    beyond = np.nan_to_num(np.maximum(fences[0] - values, values - fences[1]), nan=-1.0)
    order = np.argsort(-beyond, kind="stable")
    return order[: int(np.sum(beyond > 0))]


def _level_bars(feature: Feature, levels: dict[str, int]) -> list[tuple[str, int]]:
    bars = [(level, count) for level, count in levels.items() if count]
    if feature.kind != "ordinal":
        bars.sort(key=lambda bar: -bar[1])
    return bars[:MAX_BARS]


def _number_bars(feature: Feature, known: Values) -> list[tuple[str, int]]:
    """Return a bar for each of a few values, else for equal steps between two percentiles.

    The outermost steps also hold what lies beyond, so that one giant does not flatten the rest.
    """
    values, counts = np.unique(known, return_counts=True)
    if len(values) <= MAX_BARS:
        return [(written(feature, v), int(n)) for v, n in zip(values, counts, strict=True)]
    low, high = np.quantile(known, [0.005, 0.995])
    if low == high:
        low, high = known.min(), known.max()
    counts, edges = np.histogram(np.clip(known, low, high), bins=MAX_BARS)
    labels = [f"{written(feature, a)} to {written(feature, b)}" for a, b in pairwise(edges)]
    return list(zip(labels, counts.tolist(), strict=True))
