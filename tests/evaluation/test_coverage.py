"""Ranges: what they hold, how wide they are, and the score that weighs both."""

from __future__ import annotations

import numpy as np
import pytest

from regression_model.evaluation.coverage import interval_score, range_quality, study_coverage
from regression_model.evaluation.outcomes import Outcomes
from regression_model.evaluation.strata import Stratum, price_deciles

ACTUAL = np.array([100.0, 200.0, 300.0, 400.0])
LOW = np.array([90.0, 190.0, 310.0, 300.0])
HIGH = np.array([110.0, 200.0, 350.0, 395.0])
PREDICTED = np.array([100.0, 195.0, 330.0, 350.0])


def houses(count: int = 400, seed: int = 0) -> tuple[Outcomes, Outcomes]:
    """Prices of unequal difficulty, with ranges that know it and ranges that do not."""
    rng = np.random.default_rng(seed)
    predicted = np.exp(rng.normal(12, 0.4, count))
    difficulty = np.where(np.arange(count) % 2, 0.05, 0.3)
    actual = predicted * np.exp(difficulty * rng.normal(size=count))

    def ranged(spread: object) -> Outcomes:
        reach = np.exp(1.645 * np.broadcast_to(np.asarray(spread, float), count))
        return Outcomes(actual, predicted, predicted / reach, predicted * reach)

    return ranged(difficulty), ranged(0.2)


def test_the_interval_score_is_the_width_and_a_fine_for_each_miss() -> None:
    # At 90% coverage a dollar outside costs 2 / 0.1 = 20 dollars.
    scores = interval_score(ACTUAL, LOW, HIGH, coverage=0.90)

    assert scores == pytest.approx([20, 10, 40 + 20 * 10, 95 + 20 * 5])


def test_a_wider_promise_fines_misses_more() -> None:
    assert interval_score(ACTUAL, LOW, HIGH, coverage=0.80)[2] == pytest.approx(40 + 10 * 10)
    assert interval_score(ACTUAL, LOW, HIGH, coverage=0.95)[2] == pytest.approx(40 + 40 * 10)


def test_quality_measures_coverage_with_limits_included_and_width_by_the_prediction() -> None:
    quality = range_quality(Outcomes(ACTUAL, PREDICTED, LOW, HIGH), coverage=0.90)

    widths = [20 / 100, 10 / 195, 40 / 330, 95 / 350]
    assert quality.coverage == 0.5  # 200 is the upper limit of its range
    assert quality.mean_width == pytest.approx(sum(widths) / 4)
    assert quality.median_width == pytest.approx((20 / 100 + 40 / 330) / 2)
    assert quality.score == pytest.approx((20 + 10 + 240 + 195) / 4)


def test_the_score_on_logarithms_does_not_see_the_scale_of_prices() -> None:
    near = range_quality(Outcomes(ACTUAL, PREDICTED, LOW, HIGH), coverage=0.90)
    far = range_quality(
        Outcomes(1000 * ACTUAL, 1000 * PREDICTED, 1000 * LOW, 1000 * HIGH), coverage=0.90
    )

    logs = np.log(HIGH / LOW) + 20 * np.array([0, 0, np.log(310 / 300), np.log(400 / 395)])
    assert near.log_score == pytest.approx(logs.mean())
    assert far.log_score == pytest.approx(near.log_score)
    assert far.score == pytest.approx(1000 * near.score)


def test_the_range_of_one_width_holds_what_conformal_prediction_promises() -> None:
    outcomes, _ = houses()

    found = study_coverage(outcomes, coverage=0.90, deciles=[])

    # The 361st of 400 residuals: ceil(401 * 0.90).
    residuals = np.sort(np.abs(np.log(outcomes.actual / outcomes.predicted)))
    assert found.constant_half_width_log == pytest.approx(residuals[360])
    assert found.overall.constant.coverage == pytest.approx(361 / 400, abs=1 / 400)


def test_ranges_that_know_what_is_difficult_score_better_than_one_width() -> None:
    knowing, ignorant = (study_coverage(o, coverage=0.90, deciles=[]).overall for o in houses())

    assert knowing.score_ratio is not None
    assert ignorant.score_ratio is not None
    assert knowing.score_ratio < 0.9 < ignorant.score_ratio
    assert knowing.score_ratio == pytest.approx(knowing.ranges.score / knowing.constant.score)


def test_each_stratum_is_measured_on_its_own_sales() -> None:
    outcomes, _ = houses()
    deciles = price_deciles(outcomes.predicted)

    found = study_coverage(
        outcomes, coverage=0.90, deciles=deciles, locations=[Stratum("here", np.array([3, 5]))]
    )

    assert [d.sales for d in found.deciles] == [40] * 10
    assert found.overall.ranges.coverage == pytest.approx(
        np.mean([d.ranges.coverage for d in found.deciles])
    )
    (here,) = found.locations
    assert here.name == "here"
    assert here.ranges == range_quality(outcomes.take([3, 5]), coverage=0.90)


def test_exact_predictions_leave_nothing_to_compare_with() -> None:
    exact = Outcomes(ACTUAL, ACTUAL, ACTUAL, ACTUAL)

    assert study_coverage(exact, coverage=0.90, deciles=[]).overall.score_ratio is None
