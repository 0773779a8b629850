"""An evaluation as a page: the verdict first, then tables and plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from regression_model.evaluation import plots
from regression_model.evaluation.evaluate import Evaluation
from regression_model.evaluation.ratio_study import FENCE, MIN_SALES
from regression_model.evaluation.strata import by_label
from regression_model.evaluation.tables import (
    PAST,
    accuracy_table,
    range_table,
    ratio_strata_table,
    ratio_table,
)
from regression_model.evaluation.verdict import summary, verdict
from regression_model.model import Model
from regression_model.pages.blocks import Block, Cell, Figure, Prose, Section, Table
from regression_model.pages.figures import draw
from regression_model.pages.page import render_page
from regression_model.sales.table import SAMPLE, Sales

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_MARKS = {
    True: Cell("within", "good"),
    False: Cell(f"past\N{NO-BREAK SPACE}{PAST}", "bad"),
    None: Cell(""),
}


def render_report(
    model: Model, sales: Sales, evaluation: Evaluation, importance: Mapping[str, float]
) -> str:
    """Return the HTML of the report; the same bytes for the same model and sales."""
    data = model.artifact.manifest["data"]
    synthetic = " (synthetic)" if data["source"] == SAMPLE else ""
    return render_page(
        title=f"How good is the model? {model.spec.name}",
        subtitle=f"Judged on {len(sales.prices):,} sales of {sales.name}",
        facts={
            "model": model.version,
            "artifact": model.artifact.folder.name,
            "trained on": f"{data['name']}, {data['rows']:,} sales{synthetic}",
            "SHA-256 of the sales": f"{sales.sha256[:12]}…",
        },
        sections=report_sections(model, evaluation, importance),
    )


def report_sections(
    model: Model, evaluation: Evaluation, importance: Mapping[str, float]
) -> list[Section]:
    """Return what the report says below its head."""
    return [
        _verdict(model, evaluation),
        _accuracy(evaluation),
        _fairness(evaluation),
        _ranges(evaluation),
        *_places(evaluation),
        _importance(importance),
    ]


def _verdict(model: Model, evaluation: Evaluation) -> Section:
    findings = verdict(evaluation.study)
    rows: list[list[str | Cell]] = [[_MARKS[finding.within], finding.text] for finding in findings]
    blocks: list[Block] = [Prose(note) for note in _notes(model, evaluation)]
    blocks += [Prose(summary(findings).text), Table(["", "finding"], rows, align="ll")]
    return Section("Verdict", blocks)


def _notes(model: Model, evaluation: Evaluation) -> list[str]:
    notes: list[str] = []
    if evaluation.seen:
        notes.append(
            "Take care: the model was trained on these sales, so all figures look better than they "
            "are. Judge it on sales that it has not seen."
        )
    if model.artifact.manifest["data"]["source"] == SAMPLE:
        notes.append(
            "The model was trained on synthetic sales: it shows how the parts work together, not "
            "what a house is worth."
        )
    return notes


def _accuracy(evaluation: Evaluation) -> Section:
    outcomes = evaluation.outcomes
    return Section(
        "Accuracy",
        [
            accuracy_table(evaluation.study),
            Prose(
                "RMSLE is the root mean squared error of the price's logarithm (0.1 is about 10%), "
                "MAE the mean error in dollars, MdAPE the median error as a share of the price, "
                "PPE5, 10 and 20 the share of predictions within that many percent, FSD the "
                "standard deviation of the error as a share of the prediction."
            ),
            _figure(
                partial(plots.predicted_against_actual, outcomes=outcomes),
                "actual",
                "Predicted against actual price of each sale",
                "Each point is a sale. On the black line the prediction is the price; beyond the "
                "dashed lines it is more than 20% off. Both axes are logarithmic: equal distances "
                "are equal percentages. A cloud that leaves the line at one end means that cheap "
                "or expensive houses are valued too high or too low.",
                size=(6.2, 6),
            ),
            _figure(
                partial(plots.residuals, outcomes=outcomes),
                "residuals",
                "Error of each sale by predicted price",
                "How far the price was above (or below) its prediction. The red line, the median "
                "of each tenth of the sales, should stay near zero all along; the band around it "
                "holds the middle half. A band that widens to one side shows where predictions are "
                "less certain.",
            ),
        ],
    )


def _fairness(evaluation: Evaluation) -> Section:
    ratios = evaluation.study.ratios
    return Section(
        "Ratio study",
        [
            Prose(
                "A ratio is prediction / price. The standard of assessors (IAAO, Standard on "
                "Ratio Studies, 2013) asks for a median near 1 (level), little dispersion (COD) "
                "and ratios that do not fall or rise with the price (PRD, PRB). Extreme ratios, "
                f"more than {FENCE:g} interquartile ranges outside of the quartiles, are left out "
                "of the trimmed figures. The value decides whether a limit is kept; where it is "
                f"past ({PAST}) and its interval still reaches the limit, chance may explain it "
                "(amber), else it does not (red)."
            ),
            ratio_table(ratios.overall),
            _figure(
                partial(plots.ratio_by_decile, outcomes=evaluation.outcomes),
                "ratios",
                "Ratio of prediction to price for each tenth of the sales",
                "Each box is a tenth of the sales, from cheap to expensive by predicted "
                "price: the middle half of its ratios, with the median as a line; whiskers hold "
                "nine tenths. Medians in the green band are within the standard's limits; boxes "
                "that climb or fall from left to right are unfair to one end.",
            ),
            ratio_strata_table(ratios.deciles, of="predicted price", statistics=("median", "cod")),
        ],
    )


def _ranges(evaluation: Evaluation) -> Section:
    study = evaluation.study
    coverage = study.coverage
    blocks: list[Block] = [
        Prose(
            "Every prediction carries a range that should hold the price "
            f"{coverage.nominal:.0%} of the time, among cheap and expensive houses. The score "
            "(Winkler's interval score) weighs width against misses: the width in dollars, and "
            f"{2 / (1 - coverage.nominal):.0f} dollars for each dollar that a price lies outside; "
            "less is better. The last column divides it by the score of ranges of one relative "
            "width for all houses, set on these sales."
        )
    ]
    if study.fsd is not None:
        blocks.append(
            Prose(
                f"The FSD stated with each price has a median of {study.fsd.median:.1%}; "
                f"{study.fsd.within_one:.0%} of the prices are within one FSD of the prediction "
                "(68% is expected)."
            )
        )
    blocks += [
        _figure(
            partial(plots.coverage_by_decile, coverage=coverage, outcomes=evaluation.outcomes),
            "coverage",
            "Share of prices in their ranges for each tenth of the sales",
            "Points are the share of prices that fell into their ranges, by tenth of the predicted "
            "price; bars show what chance alone does to so few sales (95%). Points should lie near "
            "the black line and none below the dashed one. Diamonds are ranges of one width.",
        ),
        range_table(coverage, coverage.deciles, of="predicted price"),
    ]
    return Section("Ranges", blocks)


def _places(evaluation: Evaluation) -> list[Section]:
    if evaluation.locations is None:
        return []
    study, places = evaluation.study, by_label(evaluation.locations)
    cut = len(places) > plots.MAX_PLACES
    figure = _figure(
        partial(plots.error_by_place, outcomes=evaluation.outcomes, places=places),
        "places",
        "Error of predictions for each location",
        "Each box is a location with the number of its sales: the middle half of its errors, with "
        "the median as a line; whiskers hold nine tenths. The least accurate location is on "
        "top. A box that lies off zero means that the whole location is valued too high or too low."
        + (f" Shown are the {plots.MAX_PLACES} with the most sales." if cut else ""),
        size=(8, 1.2 + 0.26 * min(len(places), plots.MAX_PLACES)),
    )
    ratios = ratio_strata_table(study.ratios.locations, of="location")
    ranges = range_table(study.coverage, study.coverage.locations, of="location")
    few = (
        f"Locations with fewer than {MIN_SALES} sales are shown and not judged. Where houses are "
        "alike, chance in the prices draws PRB below zero: read it with the median and COD."
    )
    return [Section("Locations", [figure, Prose(few), ratios, ranges])]


def _importance(importance: Mapping[str, float]) -> Section:
    shown = min(len(importance), plots.MAX_FIELDS)
    figure = _figure(
        partial(plots.field_importance, importance=importance),
        "importance",
        "Fields by how much they move the price",
        "How much the price changes on average when a house gets the field's value of another "
        "house (permutation importance). Fields that say much the same, like the area of a house "
        "and of its floors, share what they matter. It tells what the model listens to, not what "
        f"makes a house worth more. Shown are the first {shown} of {len(importance)}.",
        size=(8, 1 + 0.22 * shown),
    )
    return Section("What the model listens to", [figure])


def _figure(
    plot: Callable[[Canvas], None],
    name: str,
    label: str,
    caption: str,
    *,
    size: tuple[float, float] = (8, 3.8),
) -> Figure:
    return Figure(draw(plot, name=name, label=label, size=size), caption)
