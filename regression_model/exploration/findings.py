"""What deserves a look, in plain words, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from regression_model.exploration.columns import NEARLY_CONSTANT, Column
from regression_model.exploration.differences import Change, Differences
from regression_model.exploration.explore import Exploration, Repeated
from regression_model.exploration.relations import CORRELATED
from regression_model.exploration.table import DOUBTS, FIRST_ROWS, Fault, Table

MUCH_UNKNOWN = 0.05
FAR_OUT_COLUMNS = 3
SKEWED = 1.0


class Weight(IntEnum):
    """How much a finding matters: the table is refused for it, it may be wrong, good to know."""

    REFUSED = 0
    DOUBTFUL = 1
    NOTE = 2


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    ``rows`` says how many rows it touches, 0 where it is of the column as such; ``where`` names
    some of them.
    """

    weight: Weight
    column: str
    message: str
    rows: int = 0
    where: str = ""


def findings(found: Exploration) -> list[Finding]:
    """Return all findings by weight, whole columns first, then by the number of rows."""
    all_found = [
        *(_of_fault(fault, found.table) for fault in found.table.faults),
        *_of_table(found),
        *_of_columns(found.columns),
        *_of_rows(found),
        *_of_relations(found),
    ]
    if found.differences is not None:
        all_found += _of_differences(found.differences)
    return sorted(all_found, key=lambda f: (f.weight, f.rows > 0, -f.rows))


def _of_fault(fault: Fault, table: Table) -> Finding:
    where = _listed([table.label(row - 1) for row in fault.rows], fault.count)
    column = fault.column or "the row"
    if not fault.refused:
        message = f"{counted(fault.count, 'value')} {DOUBTS[fault.code]}"
        if fault.code == "beyond_training_range" and fault.column is not None:
            low, high = table.spec.feature(fault.column).range or (0, 0)
            message += f", {low:g} to {high:g}"
        return Finding(Weight.DOUBTFUL, column, message, fault.count, where)
    message = fault.message
    if fault.code == "unseen_level" and fault.column is not None:
        message += "; training refuses it: correct it, or declare it in the config"
    return Finding(Weight.REFUSED, column, message, fault.count, where)


def _of_table(found: Exploration) -> Iterator[Finding]:
    table, spec = found.table, found.table.spec
    for note in table.notes:
        yield Finding(Weight.DOUBTFUL, "the table", note)
    if table.prices is None:
        message = "the table has no such column: what goes with the price is not shown"
        yield Finding(Weight.NOTE, spec.target.name, message)
    for f in spec.inputs:
        if f.name not in table.frame:
            message = "the config declares this column, the table does not have it"
            required = f.required or table.prices is not None
            yield Finding(Weight.REFUSED if required else Weight.DOUBTFUL, f.name, message)


def _of_columns(columns: Sequence[Column]) -> Iterator[Finding]:
    for c in columns:
        name = c.feature.name
        if not c.known:
            yield Finding(Weight.DOUBTFUL, name, "no value is known", c.rows)
            continue
        if c.distinct == 1:
            yield Finding(Weight.DOUBTFUL, name, "every known value is the same", c.known)
        if c.unknown > MUCH_UNKNOWN * c.rows:
            message = f"{c.unknown / c.rows:.0%} of the values are unknown and will be filled in"
            yield Finding(Weight.DOUBTFUL, name, message, c.unknown)
        skewness = c.numbers.skewness if c.numbers is not None else 0.0
        if c.feature.role == "target" and skewness > SKEWED:
            message = f"skewed to the right (skewness {skewness:.1f}): model its logarithm"
            yield Finding(Weight.NOTE, name, message, c.known)
    yield from _of_groups_of_columns(columns)


def _of_groups_of_columns(columns: Sequence[Column]) -> Iterator[Finding]:
    still = [c for c in columns if c.nearly_constant and c.distinct > 1]
    if still:
        names = _listed([c.feature.name for c in still])
        message = f"hold one value in {NEARLY_CONSTANT:.0%} of the rows or more: {names}"
        yield Finding(Weight.NOTE, counted(len(still), "column"), message)
    rare = [c for c in columns if c.rare]
    if rare:
        levels = sum(len(c.rare) for c in rare)
        message = f"{counted(levels, 'rare level')}, each in fewer than one row of a hundred"
        yield Finding(Weight.NOTE, "levels", message)
    absent = [f"{c.feature.name} {level}" for c in columns for level in c.never_met]
    if absent:
        message = f"{counted(len(absent), 'declared level')} never met: {_listed(absent)}"
        yield Finding(Weight.NOTE, "levels", message)


def _of_rows(found: Exploration) -> Iterator[Finding]:
    table = found.table
    if found.repeated_ids:
        message = "duplicate identifiers (the first is in an earlier row)"
        yield _of_repeated(Weight.REFUSED, message, found.repeated_ids, table)
    if found.repeated_rows:
        message = "rows that repeat an earlier one in everything but the identifier"
        yield _of_repeated(Weight.DOUBTFUL, message, found.repeated_rows, table)
    for extreme in found.extremes:
        if len(extreme.columns) >= FAR_OUT_COLUMNS:
            message = f"far out in {len(extreme.columns)} columns: {_listed(extreme.columns)}"
            yield Finding(Weight.DOUBTFUL, "the row", message, 1, table.label(extreme.row))


def _of_repeated(
    weight: Weight, message: str, repeated: Sequence[Repeated], table: Table
) -> Finding:
    some = [f"{table.label(r.row)} (as row {r.first + 1})" for r in repeated[:FIRST_ROWS]]
    return Finding(weight, "rows", message, len(repeated), _listed(some, len(repeated)))


def _of_relations(found: Exploration) -> Iterator[Finding]:
    if found.pairs:
        names = _listed([f"{p.left.name} and {p.right.name}" for p in found.pairs])
        message = (
            f"{counted(len(found.pairs), 'pair')} of columns at {CORRELATED:g} or more: {names}"
        )
        yield Finding(Weight.NOTE, "correlated", message)


def _of_differences(differences: Differences) -> Iterator[Finding]:
    reference = differences.reference.name
    for names, where in (
        (differences.only_table, f"not in {reference}"),
        (differences.only_reference, f"only in {reference}"),
    ):
        if names:
            yield Finding(Weight.NOTE, "columns", f"{where}: {_listed(list(names))}")
    for change in differences.changes:
        yield from _of_change(change, reference)
    yield from _of_levels(differences.changes, reference)
    refused = [fault for fault in differences.reference.faults if fault.refused]
    if refused:
        rows = sum(fault.count for fault in refused)
        message = f"{reference} has values that are refused: explore it by itself"
        yield Finding(Weight.DOUBTFUL, "the reference", message, rows)


def _of_change(change: Change, reference: str) -> Iterator[Finding]:
    name = change.feature.name
    if change.verdict != "stable":
        weight = Weight.DOUBTFUL if change.verdict == "changed" else Weight.NOTE
        message = f"{change.verdict} against {reference}: stability index {change.stability:.2f}"
        yield Finding(weight, name, message)
    here, there = change.empty
    if here - there > MUCH_UNKNOWN:
        message = f"without a value in {here:.0%} of the rows, {there:.0%} in {reference}"
        yield Finding(Weight.DOUBTFUL, name, message)


def _of_levels(changes: Sequence[Change], reference: str) -> Iterator[Finding]:
    new = [f"{c.feature.name} {level}" for c in changes for level in c.new]
    if new:
        rows = sum(part.counts[0] for c in changes for part in c.bins if part.label in c.new)
        message = f"{counted(len(new), 'level')} not met in {reference}: {_listed(new)}"
        yield Finding(Weight.DOUBTFUL, "levels", message, rows)
    gone = [f"{c.feature.name} {level}" for c in changes for level in c.gone]
    if gone:
        message = f"{counted(len(gone), 'level')} met in {reference} alone: {_listed(gone)}"
        yield Finding(Weight.NOTE, "levels", message)


def counted(count: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str], total: int | None = None) -> str:
    total = len(names) if total is None else total
    return ", ".join(names[:FIRST_ROWS]) + (", …" if total > min(len(names), FIRST_ROWS) else "")
