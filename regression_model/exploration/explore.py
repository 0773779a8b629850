"""Everything that is to be known of a table, in one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from regression_model.exploration.columns import Column, describe
from regression_model.exploration.differences import Differences, compare
from regression_model.exploration.relations import (
    Pair,
    TargetRelation,
    correlated_pairs,
    target_relations,
)
from regression_model.exploration.table import Table

STEPS = 4


class ExtremeRow(NamedTuple):
    """A row and the columns in which it lies far out."""

    row: int
    columns: Sequence[str]


class Repeated(NamedTuple):
    """A row, counted from 0, and the earlier one that it repeats."""

    row: int
    first: int


@dataclass(frozen=True)
class Exploration:
    """A table and what was found in it; ``differences`` where another was held against it.

    ``repeated_rows`` agree in everything but the identifier, ``repeated_ids`` in the identifier.
    ``extremes`` are the rows that lie far out in most columns, the oddest first.
    """

    table: Table
    columns: Sequence[Column]
    target_relations: Sequence[TargetRelation]
    pairs: Sequence[Pair]
    repeated_rows: Sequence[Repeated]
    repeated_ids: Sequence[Repeated]
    extremes: Sequence[ExtremeRow]
    differences: Differences | None


def explore(
    table: Table, against: Table | None = None, step: Callable[[], None] = lambda: None
) -> Exploration:
    """Explore a table, and how it differs from ``against``; ``step`` is called ``STEPS`` times."""
    columns = [describe(table, feature) for feature in table.features]
    step()
    relations = target_relations(table)
    step()
    pairs = correlated_pairs(table)
    step()
    found = Exploration(
        table=table,
        columns=columns,
        target_relations=relations,
        pairs=pairs,
        repeated_rows=_repeated_rows(table),
        repeated_ids=_repeated_ids(table),
        extremes=_extremes(columns),
        differences=None if against is None else compare(table, against),
    )
    step()
    return found


def _repeated_rows(table: Table) -> list[Repeated]:
    frame = table.frame[table.frame.notna().any(axis=1)]
    alike = frame[frame.duplicated(keep=False)]
    groups = alike.groupby(list(alike.columns), dropna=False, sort=False).indices.values()
    places = alike.index.to_numpy()
    repeated = [
        Repeated(int(row), int(places[group[0]])) for group in groups for row in places[group[1:]]
    ]
    return sorted(repeated)


def _repeated_ids(table: Table) -> list[Repeated]:
    first: dict[float, int] = {}
    ids = [] if table.ids is None else table.ids.tolist()
    known = [(row, value) for row, value in enumerate(ids) if not np.isnan(value)]
    return [
        Repeated(row, first[value]) for row, value in known if first.setdefault(value, row) != row
    ]


def _extremes(columns: Sequence[Column]) -> list[ExtremeRow]:
    places = {c.feature.name: c.numbers.far_out.tolist() for c in columns if c.numbers is not None}
    counts = Counter(row for rows in places.values() for row in rows)
    oddest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    members = {name: set(rows) for name, rows in places.items()}
    return [
        ExtremeRow(row, [name for name, rows in members.items() if row in rows])
        for row, count in oddest
        if count > 1
    ]
