"""The tables of a differential test, for the terminal, the page and Markdown alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from regression_model.differential.attribution import FieldMovement
from regression_model.differential.compare import Difference, Mover, Refusal, Studies
from regression_model.differential.descriptions import Differing
from regression_model.differential.limits import Check
from regression_model.differential.movement import Movement
from regression_model.differential.reactions import Reaction
from regression_model.evaluation.metrics import METRICS
from regression_model.evaluation.ratio_study import STATISTICS
from regression_model.evaluation.study import Study
from regression_model.evaluation.tables import PAST
from regression_model.pages.blocks import Cell, Table

MAX_FIELDS = 12
MAX_LINES = 40
_FIELDS_OF_A_MOVER = 3
_MAX_CHARACTERS = 60
_SHIFT, _SHARE = "{:+.2%}", "{:.1%}"


def check_table(checks: Sequence[Check]) -> Table:
    """Return every figure that has a limit, and what is responsible for it."""
    rows: list[list[str | Cell]] = []
    for check in checks:
        mark = Cell(check.shown, "good") if check.passed else Cell(f"{check.shown} {PAST}", "bad")
        rows.append([check.title, mark, check.demand, _cut(check.where)])
    return Table(["change", "", "limit", "where"], rows, align="lrrl")


def movement_table(groups: Sequence[Movement], *, of: str) -> Table:
    """Return how prices moved in each group."""
    rows = [
        [
            group.name,
            f"{group.houses:,}",
            _SHIFT.format(group.shift),
            f"{group.median_move:.2%}",
            _SHARE.format(group.moved_5),
            _SHARE.format(group.moved_10),
            _SHARE.format(group.largest_move),
        ]
        for group in groups
    ]
    header = [of, "houses", "shift", "median move", "above 5%", "above 10%", "largest"]
    return Table(header, rows)


def mover_table(movers: Sequence[Mover]) -> Table:
    """Return the houses that moved most, and what the fields that moved them add in each model."""
    rows = [
        [
            f"{mover.row}" if mover.id is None else f"{mover.row} (Id {mover.id})",
            mover.place or "",
            f"${mover.old:,.0f}",
            f"${mover.new:,.0f}",
            _added(math.log(mover.new / mover.old)),
            _why(mover),
        ]
        for mover in movers
    ]
    return Table(["row", "location", "old", "new", "move", "moved by"], rows, align="llrrrl")


def _why(mover: Mover) -> str:
    parts = [
        f"{field.field} {_added(field.old)} \N{RIGHTWARDS ARROW} {_added(field.new)}"
        for field in mover.why.fields[:_FIELDS_OF_A_MOVER]
        if field.change
    ]
    if abs(mover.why.level) > 0.5 * abs(math.log(mover.new / mover.old)):
        parts.insert(0, f"the typical house {_added(mover.why.level)}")
    return "; ".join(parts)


def field_table(fields: Sequence[FieldMovement]) -> Table:
    """Return the fields whose contributions changed most."""
    rows = [
        [f.field, _mean(f.old), _mean(f.new), _mean(f.change)]
        for f in fields[:MAX_FIELDS]
        if f.change
    ]
    return Table(["field", "old", "new", "change"], rows)


def reaction_table(reactions: Sequence[Reaction]) -> Table:
    """Return the probes to which the two models answer most differently."""
    rows = [
        [r.field, r.probe, _added(r.old), _added(r.new)] for r in reactions[:MAX_FIELDS] if r.change
    ]
    return Table(["field", "is", "old", "new"], rows, align="llrr")


def study_table(studies: Studies) -> Table:
    """Accuracy, ratio study and ranges of both models on the sales whose price is known."""
    rows = [
        _before_after(title, form, *values)
        for title, form, values in _studied(studies.old, studies.new)
    ]
    return Table(["", "old", "new", "change"], rows, caption=f"{studies.new.sales:,} sales")


def _studied(old: Study, new: Study) -> list[tuple[str, str, list[float | None]]]:
    both = (old, new)
    found: list[tuple[str, str, list[float | None]]] = [
        (m.title, m.form, [s.metrics[name] for s in both]) for name, m in METRICS.items()
    ]
    for name, statistic in STATISTICS.items():
        trimmed = [s.ratios.overall.trimmed for s in both]
        values = [None if t is None else t[name].value for t in trimmed]
        found.append((statistic.title, statistic.form, values))
    held = [s.coverage.overall.ranges for s in both]
    worst = [min(d.ranges.coverage for d in s.coverage.deciles) for s in both]
    return [
        *found,
        ("prices in their range", _SHARE, [r.coverage for r in held]),
        ("the same, worst decile", _SHARE, [*worst]),
        ("interval score", "${:,.0f}", [r.score for r in held]),
    ]


def _before_after(title: str, form: str, old: float | None, new: float | None) -> list[str]:
    if old is None or new is None or not math.isfinite(old) or not math.isfinite(new):
        return [title, "-", "-", "-"]
    change = form.replace("{:", "{:+").replace("++", "+").format(new - old)
    return [
        title,
        form.format(old),
        form.format(new),
        change.replace("$+", "+$").replace("$-", "-$"),
    ]


def refusal_table(refusals: Sequence[Refusal]) -> Table:
    """Return the houses that only one of the two models values."""
    rows = [
        [f"{r.row}" if r.id is None else f"{r.row} (Id {r.id})", r.by, r.reason]
        for r in refusals[:MAX_LINES]
    ]
    return Table(["row", "refused by", "because"], rows, align="lll")


def description_table(descriptions: Sequence[Differing]) -> Table:
    """Return what the descriptions of the models say differently."""
    rows = [[d.what, _cut(d.old), _cut(d.new)] for d in descriptions[:MAX_LINES]]
    return Table(["what", "old", "new"], rows, align="lll")


def counts(difference: Difference) -> str:
    """Return how many houses were compared, and how many were not."""
    compared, only = len(difference.log_ratio), len(difference.refusals)
    text = f"{difference.houses.counted(compared)} valued by both models"
    if only:
        text += f", {only:,} refused by one of them"
    if difference.refused_by_both:
        text += f", {difference.refused_by_both:,} by both"
    return f"{text}."


def _added(log_amount: float) -> str:
    return f"{np.expm1(log_amount):+.1%}"


def _mean(log_amount: float) -> str:
    return f"{np.expm1(log_amount):.2%}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
