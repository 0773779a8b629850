"""Two tables beside each other: columns, nulls, levels and distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from regression_model.config.spec import Feature
from regression_model.exploration.columns import written
from regression_model.exploration.measures import (
    CHANGED,
    SHIFTED,
    Counts,
    Values,
    kolmogorov_smirnov,
    population_stability,
    shares,
    stability_by_chance,
)
from regression_model.exploration.table import Table

COMMON = 0.05
MIN_IN_BIN = 30
MAX_BINS = 10
MAX_VALUES = 24


@dataclass(frozen=True)
class Bin:
    """A part of a column's values, and how many rows it holds: of the table, of the reference."""

    label: str
    counts: tuple[int, int]


@dataclass(frozen=True)
class Change:
    """How one column of a table differs from the reference.

    ``by_chance`` is what the index stays below in 95 of 100 pairs of samples from one population;
    ``distance`` is that of Kolmogorov and Smirnov, None for levels. ``empty`` are the shares of
    rows without a value, of the table and of the reference. ``new`` levels are met in the table
    alone, ``gone`` ones in the reference alone.
    """

    feature: Feature
    stability: float
    by_chance: float
    distance: float | None
    empty: tuple[float, float]
    new: Sequence[str]
    gone: Sequence[str]
    bins: Sequence[Bin]

    @property
    def verdict(self) -> str:
        """``stable``, ``shifted`` or ``changed``, and stable where chance alone would do it."""
        if self.stability < SHIFTED or self.stability <= self.by_chance:
            return "stable"
        return "shifted" if self.stability < CHANGED else "changed"


@dataclass(frozen=True)
class Differences:
    """What differs from the reference; ``changes`` are of the columns of both, largest first."""

    reference: Table
    only_table: Sequence[str]
    only_reference: Sequence[str]
    changes: Sequence[Change]


def compare(table: Table, reference: Table) -> Differences:
    """Hold ``table`` against ``reference``, column by column."""
    ours, theirs = list(table.frame.columns), list(reference.frame.columns)
    both = [f for f in table.features if f.name in reference.frame]
    empty = not len(table.frame) or not len(reference.frame)
    changes = [] if empty else [_change(f, table, reference) for f in both]
    return Differences(
        reference=reference,
        only_table=[name for name in ours if name not in theirs],
        only_reference=[name for name in theirs if name not in ours],
        changes=sorted(changes, key=lambda change: -change.stability),
    )


def _change(feature: Feature, table: Table, reference: Table) -> Change:
    known = table.known(feature.name), reference.known(feature.name)
    sizes = len(table.frame), len(reference.frame)
    parts = _level_bins(feature, known) if feature.has_levels else _number_bins(feature, known)
    missing = Bin("no value", (sizes[0] - len(known[0]), sizes[1] - len(known[1])))
    bins = [part for part in (*parts, missing) if any(part.counts)]
    actual, expected = (np.array([part.counts[i] for part in bins], dtype=np.int64) for i in (0, 1))
    levels = parts if feature.has_levels else []
    return Change(
        feature=feature,
        stability=population_stability(shares(expected), shares(actual)),
        by_chance=stability_by_chance(len(bins), sizes),
        distance=None if feature.has_levels else kolmogorov_smirnov(*known),
        empty=(missing.counts[0] / sizes[0], missing.counts[1] / sizes[1]),
        new=[part.label for part in levels if part.counts[0] and not part.counts[1]],
        gone=[part.label for part in levels if part.counts[1] and not part.counts[0]],
        bins=bins,
    )


def _level_bins(feature: Feature, known: tuple[Values, Values]) -> list[Bin]:
    counts = [np.bincount(codes.astype(int), minlength=len(feature.levels)) for codes in known]
    return [
        Bin(str(level), (int(a), int(b)))
        for level, a, b in zip(feature.levels, *counts, strict=True)
    ]


def _number_bins(feature: Feature, known: tuple[Values, Values]) -> list[Bin]:
    """Common values of the reference, and few whole ones, by themselves; the rest by quantiles.

    Without the first a column that is mostly zero would be one bin, in which nothing can move.
    """
    values, counts = np.unique(known[1], return_counts=True)
    few = feature.type == "integer" and len(values) <= MAX_VALUES
    common = values if few else values[counts >= COMMON * len(known[1])]
    rest = [x[~np.isin(x, common)] for x in known]
    count = min(MAX_BINS, max(1, len(rest[1]) // MIN_IN_BIN))
    inner = np.linspace(0, 1, count + 1)[1:-1]
    cuts = np.unique(np.quantile(rest[1], inner)) if len(rest[1]) and len(inner) else np.array([])
    singles = [
        Bin(
            written(feature, value),
            (int(np.sum(known[0] == value)), int(np.sum(known[1] == value))),
        )
        for value in common
    ]
    steps: list[Counts] = [
        np.bincount(np.searchsorted(cuts, x, side="right"), minlength=len(cuts) + 1) for x in rest
    ]
    labels = _step_labels(feature, cuts)
    return singles + [
        Bin(label, (int(a), int(b))) for label, a, b in zip(labels, *steps, strict=True)
    ]


def _step_labels(feature: Feature, cuts: Values) -> list[str]:
    if not len(cuts):
        return ["others"]
    edges = [written(feature, cut) for cut in cuts]
    inner = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}", *inner, f"from {edges[-1]}"]
