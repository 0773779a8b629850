"""The part of the page that goes through the columns one by one."""

from __future__ import annotations

from collections.abc import Sequence

from regression_model.config.spec import NONE, UNKNOWN
from regression_model.exploration import plots
from regression_model.exploration.columns import Column, written
from regression_model.exploration.explore import Exploration
from regression_model.exploration.findings import counted
from regression_model.exploration.measures import FAR_OUT
from regression_model.pages.bars import bars
from regression_model.pages.blocks import Block, Cell, Figure, Prose, Section, Table

MAX_NAMED = 8
MAX_DISTANCE = 2


def column_sections(found: Exploration) -> list[Section]:
    """Return columns at a glance, what is empty, levels, numbers."""
    return [
        Section("Columns at a glance", _overview(found.columns)),
        Section("Null and unknown", _empty(found.columns)),
        Section("Levels", _levels([c for c in found.columns if c.levels is not None])),
        Section("Numbers and outliers", _numbers(found)),
    ]


def _overview(columns: Sequence[Column]) -> list[Block]:
    words = (
        "Each column as the config declares it and as it was found. Bars of numbers go from the "
        "lowest to the highest value; with many values they are equal steps from the 0.5th to the "
        "99.5th percentile, and the outermost hold what lies beyond. Bars of ordered levels keep "
        "their order, others are sorted. Point at a bar to see what it counts."
    )
    rows = [
        [
            Cell(c.feature.name),
            Cell(declared(c)),
            Cell(drawing=bars(c.bars, label=f"Distribution of {c.feature.name}")),
            Cell(_middle(c)),
            Cell(f"{c.distinct:,}"),
            Cell(f"{c.largest_share:.1%}"),
            Cell(f"{c.refused:,}", "bad" if c.refused else ""),
            Cell(_share(c.unknown, c.rows), "doubtful" if c.unknown else ""),
        ]
        for c in columns
    ]
    header = ["Column", "Declared", "Distribution", "Typical", "Distinct", "Most common",
              "Refused", "Unknown"]  # fmt: skip
    return [Prose(words), Table(header, rows, align="lllrrrrr")]


def declared(column: Column) -> str:
    """Format the kind, type and unit of a column as text."""
    f = column.feature
    if f.has_levels:
        return f"{f.kind}, {counted(len(f.levels), 'level')}"
    kind = "year" if f.kind == "year" else "whole number" if f.type == "integer" else "number"
    return f"{kind}, {f.unit}" if f.unit and f.unit != kind else kind


def _middle(column: Column) -> str:
    if column.numbers is not None:
        return written(column.feature, column.numbers.median)
    levels = column.levels or {}
    return max(levels, key=lambda level: levels[level]) if column.known else ""


def _share(count: int, rows: int) -> str:
    return f"{count:,} ({count / rows:.1%})" if count and rows else "0"


def _empty(columns: Sequence[Column]) -> list[Block]:
    shown = [c for c in columns if c.nulls or c.none or c.unknown]
    if not shown:
        return [Prose("Every cell holds a value.")]
    words = (
        "A null is not always a gap: where the config says so, it means that the house has none "
        "of it, by a level of its own or not. What is unknown (null without a meaning, absent, or "
        "refused) the model fills in."
    )
    rows: list[list[str | Cell]] = [
        [
            c.feature.name,
            f"{c.nulls:,}",
            _meaning(c),
            _share(c.none, c.rows),
            Cell(_share(c.unknown, c.rows), "doubtful" if c.unknown else ""),
            _filling(c) if c.unknown else "",
        ]
        for c in sorted(shown, key=lambda c: (-c.unknown, -c.none))
    ]
    header = ["Column", "Null cells", "Null means", "Has none", "Unknown", "Filled with"]
    figure = Figure(
        plots.unknown_shares(shown),
        "Share of rows without it: the house has none, or it is unknown.",
    )
    return [Prose(words), figure, Table(header, rows, align="lrlrrl")]


def _meaning(column: Column) -> str:
    means = column.feature.null_means
    if means == UNKNOWN:
        return "unknown"
    return "the house has none" if means == NONE else f"level {means}"


def _filling(column: Column) -> str:
    imputation = column.feature.impute
    if imputation.feature is not None:
        return f"same as {imputation.feature}"
    if imputation.value is not None:
        return str(imputation.value)
    return f"{imputation.method}{f' by {imputation.by}' if imputation.by else ''}"


def _levels(columns: Sequence[Column]) -> list[Block]:
    if not columns:
        return [Prose("The table has no column with levels.")]
    words = "A level is rare where fewer than one row in a hundred has it; counts are in brackets."
    rows = [
        [
            c.feature.name,
            f"{c.distinct} of {len(c.feature.levels)}",
            f"{_middle(c)} ({c.largest_share:.0%})",
            named([f"{level} ({count})" for level, count in c.rare.items()]),
            named(c.never_met),
        ]
        for c in columns
    ]
    header = ["Column", "Met", "Most common", "Rare", "Declared, never met"]
    return [Prose(words), Table(header, rows, align="lrlll")]


def kept_together(text: str) -> str:
    """Return the text with spaces at which no line breaks."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def named(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _numbers(found: Exploration) -> list[Block]:
    words = (
        f"Far out is what lies more than {FAR_OUT:g} interquartile ranges beyond the quartiles "
        "(Tukey's outer fences); columns of which half of the values are one have no such fences. "
        "Range is what the config declares: beyond it a house is valued as if it stood at the edge."
    )
    columns = [c for c in found.columns if c.numbers is not None]
    header = ["Column", "Minimum", "Quartile", "Median", "Quartile", "Maximum", "Skewness",
              "Beyond range", "Far out", "Farthest"]  # fmt: skip
    blocks: list[Block] = [
        Prose(words),
        Table(header, [_number_row(found, c) for c in columns], align="lrrrrrrrrl"),
    ]
    if found.extremes:
        rows = [
            [kept_together(found.table.label(e.row)), str(len(e.columns)), ", ".join(e.columns)]
            for e in found.extremes
        ]
        caption = "Rows that lie far out in most columns"
        blocks.append(Table(["Row", "Columns", "Which"], rows, caption=caption, align="lrl"))
    return blocks


def _number_row(found: Exploration, column: Column) -> list[Cell | str]:
    n = column.numbers
    if n is None:
        return []
    values = found.table.frame[column.feature.name].to_numpy(float)
    farthest = [
        kept_together(f"{written(column.feature, values[row])} ({found.table.label(row)})")
        for row in n.far_out[:MAX_DISTANCE]
    ]
    points = (n.minimum, n.lower_quartile, n.median, n.upper_quartile, n.maximum)
    return [
        column.feature.name,
        *(written(column.feature, value) for value in points),
        f"{n.skewness:.1f}",
        Cell(f"{n.beyond_range:,}", "doubtful" if n.beyond_range else ""),
        f"{len(n.far_out):,}",
        ", ".join(farthest),
    ]
