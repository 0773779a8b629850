"""The verdict names what is wrong, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from regression_model.evaluation.study import Study, study
from regression_model.evaluation.tables import PAST, range_table, ratio_strata_table, ratio_table
from regression_model.evaluation.verdict import summary, verdict
from regression_model.pages.blocks import Cell

COUNT = 1000
DIFFICULTY = np.where(np.arange(COUNT) % 2, 0.04, 0.2)


def judged(
    *,
    level: float = 1.0,
    width: float = 1.0,
    scatter: float = 1.0,
    tilt: float = 0.0,
    south: float = 1.0,
) -> Study:
    """A sound model: as accurate as markets are, with ranges that know the difficult houses.

    ``tilt`` is how much of the distance to the typical price the predictions leave out.
    """
    rng = np.random.default_rng(4)
    predicted = np.exp(rng.normal(12, 0.5, COUNT))
    actual = predicted * np.exp(DIFFICULTY * scatter * rng.normal(size=COUNT))
    reach = np.exp(1.645 * DIFFICULTY * scatter * width)
    predicted = predicted * level * (predicted / np.exp(12)) ** -tilt
    predicted[COUNT // 2 :] *= south
    return study(
        actual,
        predicted,
        low=predicted / reach,
        high=predicted * reach,
        coverage=0.90,
        locations=["north"] * (COUNT // 2) + ["south"] * (COUNT // 2),
        resamples=100,
    )


def past(found: Study) -> list[str]:
    return [finding.text for finding in verdict(found) if finding.within is False]


def test_a_sound_model_is_within_every_limit() -> None:
    assert past(judged()) == []
    assert summary(verdict(judged())).text == "All 9 checks are within their limits."


def test_a_location_that_is_valued_wrong_is_named() -> None:
    found = judged(south=1.15)

    assert past(found)[-1] == (
        "1 of 2 location(s) with at least 30 sales have a median ratio past its limits, 1 of them "
        "with their whole interval: south."
    )


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"level": 1.2}, r"Median ratio 1\.\d+ \(0\.90 to 1\.10\): predictions are too high\."),
        ({"level": 0.8}, r"Median ratio 0\.\d+ \(0\.90 to 1\.10\): predictions are too low\."),
        ({"level": 1.2}, r"The tenth of the sales farthest off.* has a median ratio of 1\.\d+"),
        ({"width": 0.5}, r"% of the prices are in their ranges.* They promise too much\."),
        ({"width": 0.5}, r"In the worst tenth of the sales.* it is [4-6]\d\.\d% \(at least 80%\)"),
        ({"width": 2.0}, r"% of the prices are in their ranges.* They are too wide\."),
        ({"width": 2.0}, r"The ranges score 1\.\d+ of what ranges of one width score"),
        ({"scatter": 3.0}, r"COD \d\d\.\d+ \(5 to 15\): predictions are scattered\."),
        ({"scatter": 0.3}, r"COD \d\.\d+ \(5 to 15\): more uniform than markets are"),
        ({"tilt": 0.3}, r"PRD 1\.\d+ \(0\.98 to 1\.03\): expensive houses are valued low"),
        ({"tilt": -0.3}, r"PRD 0\.\d+ \(0\.98 to 1\.03\): expensive houses are valued high"),
        ({"tilt": 0.3}, r"PRB -0\.\d+ \(-0\.05 to 0\.05\): predictions are too low"),
        ({"tilt": -0.3}, r"PRB \+0\.\d+ \(-0\.05 to 0\.05\): predictions are too high"),
    ],
)
def test_a_fault_is_named_in_its_own_line(fault: dict[str, float], message: str) -> None:
    lines = past(judged(**fault))

    assert sum(re.search(message, line) is not None for line in lines) == 1, lines
    assert not any(re.search(message, line) for line in past(judged()))


def test_halved_ranges_leave_level_and_fairness_alone() -> None:
    lines = past(judged(width=0.5))

    assert not any(word in line for line in lines for word in ("Median", "COD", "PRD", "PRB"))


def test_too_few_sales_get_no_verdict() -> None:
    price = np.linspace(1e5, 2e5, 29)

    findings = verdict(study(price, price, low=price, high=price, coverage=0.9))

    assert [finding.within for finding in findings] == [None, None]
    assert findings[1].text == "29 sale(s) are too few to judge ranges and ratios; 30 will do."
    assert summary(findings).text == "There are too few sales for a verdict."


def test_exact_predictions_are_too_good_for_a_market_and_nothing_divides_by_zero() -> None:
    price = np.linspace(1e5, 2e5, 100)

    lines = past(study(price, price, low=price, high=price, coverage=0.9, locations=["x"] * 100))

    assert [line.split()[0] for line in lines] == ["100.0%", "COD"]


def marked(table: Any) -> dict[str, list[tuple[str, str]]]:
    """Status and text of the judged cells of each row."""
    return {
        row[0].text: [(c.status, c.text) for c in row if c.status]
        for row in table.cells
        if isinstance(row[0], Cell)
    }


def test_a_figure_past_its_limit_is_marked_and_doubtful_where_its_interval_reaches_back() -> None:
    found = judged(level=1.105)

    statuses = marked(ratio_table(found.ratios.overall))

    ((status, text), _) = statuses["median ratio"]
    assert (status, text.endswith(PAST)) == ("doubtful", True)
    assert [s for s, _ in statuses["PRD"]] == ["good", "good"]
    assert statuses["mean ratio"] == []
    surely = marked(ratio_table(judged(level=1.3).ratios.overall))
    assert surely["median ratio"][0][0] == "bad"


def test_strata_with_few_sales_are_shown_and_not_judged() -> None:
    price = np.exp(np.random.default_rng(0).normal(12, 0.3, 60))
    found = study(
        price,
        price,
        low=0.5 * price,
        high=0.6 * price,
        coverage=0.9,
        locations=["few"] * 20 + ["many"] * 40,
    )

    ranges = marked(range_table(found.coverage, found.coverage.locations, of="location"))
    ratios = ratio_strata_table(found.ratios.locations, of="location")

    assert ranges["few"] == []
    assert ranges["many"] == [("bad", f"0.0% {PAST}")]
    assert list(ratios.rows[0]) == ["few", "20", "0", *["too few"] * 4]
