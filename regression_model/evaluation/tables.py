"""The tables of an evaluation, for the terminal and the page alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from regression_model.evaluation.coverage import Coverage, CoverageStudy
from regression_model.evaluation.metrics import METRICS
from regression_model.evaluation.ratio_study import (
    CONFIDENCE,
    LIMITED,
    MIN_SALES,
    STATISTICS,
    Measured,
    RatioStudy,
    limits_text,
)
from regression_model.evaluation.study import Study
from regression_model.evaluation.verdict import coverage_limits, decile_floor
from regression_model.pages.blocks import Cell, Table

PAST = "\N{MULTIPLICATION SIGN}"  # beside a figure past its limit, for those who see no colour


def accuracy_table(study: Study) -> Table:
    """Return every metric in one row, a dash where it is not defined."""
    row = [_number(study.metrics[name], m.form) for name, m in METRICS.items()]
    return Table([m.title for m in METRICS.values()], [row], align="r" * len(row))


def _number(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "-"


def range_table(coverage: CoverageStudy, strata: Sequence[Coverage], *, of: str) -> Table:
    """Coverage, median width and score of the ranges in each of ``strata``, and over all sales.

    ``of`` says what the strata are; those with fewer sales than the ratio study asks for are not
    judged.
    """
    low, high = coverage_limits(coverage.nominal)
    floor = decile_floor(coverage.nominal)
    overall = coverage.overall
    rows = [_range_row(overall, low <= overall.ranges.coverage <= high)]
    rows += [_range_row(stratum, stratum.ranges.coverage >= floor) for stratum in strata]
    header = [of, "sales", "covered", "width", "score", "vs one width"]
    return Table(header, rows)


def _range_row(stratum: Coverage, within: bool) -> list[str | Cell]:
    ranges = stratum.ranges
    ratio = "-" if stratum.score_ratio is None else f"{stratum.score_ratio:.2f}"
    return [
        stratum.name,
        f"{stratum.sales:,}",
        _judged(f"{ranges.coverage:.1%}", within if stratum.sales >= MIN_SALES else None),
        f"{ranges.median_width:.0%}",
        f"${ranges.score:,.0f}",
        ratio,
    ]


def ratio_table(study: RatioStudy) -> Table:
    """Return every statistic of a ratio study, with interval and limits."""
    header = ["", "trimmed", "interval", "all sales", "interval", "limits"]
    rows: list[list[str | Cell]] = []
    for name, statistic in STATISTICS.items():
        cells: list[str | Cell] = []
        for measured in (study.trimmed, study.untrimmed):
            cells += _measured(name, measured[name]) if measured else ["too few", ""]
        rows.append([statistic.title, *cells, limits_text(name)])
    caption = (
        f"{study.sales:,} sales, {study.outliers:,} of them extreme and left out of the trimmed "
        f"column; {CONFIDENCE:.0%} bootstrap intervals"
    )
    return Table(header, rows, caption=caption)


def ratio_strata_table(
    strata: Sequence[RatioStudy], *, of: str, statistics: Sequence[str] = tuple(LIMITED)
) -> Table:
    """Return the trimmed ``statistics`` for each stratum.

    PRD and PRB compare cheap houses with expensive ones, so a stratum of one price has none.
    """
    rows: list[list[str | Cell]] = []
    for stratum in strata:
        cells = [
            _measured(name, stratum.trimmed[name])[0] if stratum.trimmed else "too few"
            for name in statistics
        ]
        rows.append([stratum.name, f"{stratum.sales:,}", f"{stratum.outliers:,}", *cells])
    return Table([of, "sales", "extreme", *(STATISTICS[name].title for name in statistics)], rows)


def _measured(name: str, measured: Measured) -> list[str | Cell]:
    form = STATISTICS[name].form.format
    if measured.value is None:
        return ["-", ""]
    interval = ""
    if measured.low is not None and measured.high is not None:
        interval = f"{form(measured.low)} to {form(measured.high)}"
    doubt = measured.surely_past is False
    return [_judged(form(measured.value), measured.within, doubt=doubt), interval]


def _judged(text: str, within: bool | None, *, doubt: bool = False) -> str | Cell:
    if within is None:
        return text
    return Cell(text, "good") if within else Cell(f"{text} {PAST}", "doubtful" if doubt else "bad")
