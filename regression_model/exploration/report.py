"""An exploration as a page."""

from __future__ import annotations

from regression_model.exploration import plots
from regression_model.exploration.column_sections import (
    column_sections,
    declared,
    kept_together,
    named,
)
from regression_model.exploration.differences import Change, Differences
from regression_model.exploration.explore import Exploration
from regression_model.exploration.findings import Weight, counted, findings
from regression_model.exploration.measures import CHANGED, SHIFTED
from regression_model.exploration.relations import CORRELATED, MAX_ROWS_OF_PAIRS
from regression_model.pages.blocks import Block, Cell, Figure, Prose, Section, Status, Table
from regression_model.pages.page import render_page
from regression_model.version import DISTRIBUTION, VERSION

WORDS = {Weight.REFUSED: "refused", Weight.DOUBTFUL: "look", Weight.NOTE: "note"}
_STATUS: dict[Weight, Status] = {Weight.REFUSED: "bad", Weight.DOUBTFUL: "doubtful"}
_VERDICTS: dict[str, Status] = {"shifted": "doubtful", "changed": "bad"}


def render(found: Exploration) -> str:
    """Return the page's HTML; the same table gives the same bytes."""
    table = found.table
    facts = {
        "Table": table.name,
        "Rows": f"{len(table.frame):,}",
        "Columns": f"{len(table.frame.columns)} of {len(table.spec.inputs) + 1} declared",
        "SHA-256": table.sha256[:12],
        "Config": table.spec.name,
        DISTRIBUTION: VERSION,
    }
    if found.differences is not None:
        facts["Held against"] = found.differences.reference.name
    sections = [
        Section("What deserves a look", _findings(found)),
        *column_sections(found),
        Section(f"What goes with {table.spec.target.name}", _target(found)),
        Section("Columns that say the same", _pairs(found)),
        Section("Constant and repeated", _repetition(found)),
    ]
    if found.differences is not None:
        title = f"Differences from {found.differences.reference.name}"
        sections.append(Section(title, _differences(found, found.differences)))
    return render_page(
        title=f"Exploration of {table.name}",
        subtitle="The table before the model: what is in it, and what is odd",
        facts=facts,
        sections=sections,
    )


def _findings(found: Exploration) -> list[Block]:
    listed = findings(found)
    if not listed:
        return [Prose("Nothing: every value fits the config, and nothing is out of the ordinary.")]
    counts = {w: sum(f.weight is w for f in listed) for w in Weight}
    refused = counts[Weight.REFUSED]
    words = (
        f"{counted(refused, 'reason') if refused else 'No reason'} for training or predicting to "
        f"refuse rows, {counted(counts[Weight.DOUBTFUL], 'thing')} to look at, "
        f"{counted(counts[Weight.NOTE], 'note')}. Worst first."
    )
    rows = [
        [
            Cell(f.column),
            Cell(WORDS[f.weight], _STATUS.get(f.weight, "")),
            Cell(f.message),
            Cell(f"{f.rows:,}" if f.rows else ""),
            Cell(", ".join(kept_together(row) for row in f.where.split(", "))),
        ]
        for f in listed
    ]
    return [
        Prose(words),
        Table(["Where", "", "What", "Rows", kept_together("Such as")], rows, align="lllrl"),
    ]


def _target(found: Exploration) -> list[Block]:
    table, name = found.table, found.table.spec.target.name
    if not found.target_relations:
        return [Prose(f"There are no values of {name} to hold the columns against.")]
    words = (
        f"How well each column alone orders the rows by {name}: numbers by Spearman's rank "
        "correlation, levels by the correlation ratio η² of the ranks. Both give a share of the "
        "variance of the ranks, by which the columns are sorted; with many levels a small share "
        "comes by chance."
    )
    rows: list[list[str | Cell]] = [
        [
            r.feature.name,
            r.measure,
            f"{r.value:+.2f}" if r.measure == "Spearman" else f"{r.value:.2f}",
            Cell(f"{r.share:.1%}", "strong" if r.share >= 0.25 else ""),
            f"{r.rows:,}",
            r.feature.description,
        ]
        for r in found.target_relations
    ]
    caption = (
        "The columns that go with it most. Points are rows, at most "
        f"{plots.MAX_POINTS:,} of them; boxes hold the middle half, the line is the median, "
        "whiskers reach 1.5 interquartile ranges. Levels are sorted by their median."
    )
    prices = table.known(name)
    return [
        Prose(words),
        Figure(
            plots.price_distribution(prices, name), f"{counted(len(prices), 'value')} of {name}."
        ),
        Figure(plots.target_panels(table, found.target_relations), caption),
        Table(["Column", "Measure", "Value", "Share", "Rows", "What it is"], rows, align="llrrrl"),
    ]


def _pairs(found: Exploration) -> list[Block]:
    words = (
        f"Pairs of columns at {CORRELATED:g} or more: Spearman's rank correlation of numbers and "
        "ordered levels, Cramér's V where one has levels without order. Linear members share the "
        "weight of such pairs in ways that mean little; trees do not mind."
    )
    if len(found.table.frame) > MAX_ROWS_OF_PAIRS:
        words += f" Judged on up to {MAX_ROWS_OF_PAIRS:,} rows, evenly spread."
    if not found.pairs:
        return [Prose(f"{words} There are none.")]
    rows = [[p.left.name, p.right.name, p.measure, f"{p.value:+.2f}"] for p in found.pairs]
    return [Prose(words), Table(["Column", "and", "Measure", "Value"], rows, align="lllr")]


def _repetition(found: Exploration) -> list[Block]:
    still = [c for c in found.columns if c.nearly_constant]
    blocks: list[Block] = []
    if still:
        rows = [
            [c.feature.name, declared(c), f"{c.largest_share:.2%}", f"{c.distinct}"] for c in still
        ]
        caption = "Columns that hold one value in 99 rows of a hundred or more"
        header = ["Column", "Declared", "Most common", "Distinct"]
        blocks.append(Table(header, rows, caption=caption, align="llrr"))
    else:
        blocks.append(Prose("No column holds one value in 99 rows of a hundred."))
    for repeated, what in (
        (found.repeated_rows, "repeat an earlier one in everything but the identifier"),
        (found.repeated_ids, "have the identifier of an earlier one"),
    ):
        some = named([f"{found.table.label(r.row)} (as row {r.first + 1})" for r in repeated])
        blocks.append(
            Prose(f"Rows that {what}: {f'{len(repeated):,}: {some}' if some else 'none'}.")
        )
    return blocks


def _differences(found: Exploration, differences: Differences) -> list[Block]:
    reference = differences.reference
    words = (
        f"{found.table.name} ({len(found.table.frame):,} rows) held against {reference.name} "
        f"({len(reference.frame):,} rows). The population stability index sums over bins how far "
        f"shares of rows have moved: below {SHIFTED:g} is stable, from {CHANGED:g} on changed. "
        "By chance is what two samples of the same houses stay below in 95 of 100 cases; a "
        "column below it is stable too. Distance is the largest gap between the two distribution "
        "functions (Kolmogorov and Smirnov)."
    )
    only = [
        Prose(f"Only in {name}: {', '.join(columns)}.")
        for name, columns in (
            (found.table.name, differences.only_table),
            (reference.name, differences.only_reference),
        )
        if columns
    ]
    if not differences.changes:
        return [Prose(words), *only, Prose("One of the tables has no rows.")]
    caption = "The columns that differ most, with their stability index: share of rows in each bin."
    header = ["Column", "Stability", "By chance", "Verdict", "Distance", "Without value",
              f"In {reference.name}", "New levels", "Levels gone"]  # fmt: skip
    rows = [_change_row(change) for change in differences.changes]
    return [
        Prose(words),
        *only,
        Figure(plots.change_panels(found.table, differences), caption),
        Table(header, rows, align="lrrlrrrll"),
    ]


def _change_row(change: Change) -> list[Cell | str]:
    return [
        change.feature.name,
        f"{change.stability:.3f}",
        f"{change.by_chance:.3f}",
        Cell(change.verdict, _VERDICTS.get(change.verdict, "")),
        "" if change.distance is None else f"{change.distance:.3f}",
        f"{change.empty[0]:.1%}",
        f"{change.empty[1]:.1%}",
        Cell(named(change.new), "doubtful"),
        named(change.gone),
    ]
