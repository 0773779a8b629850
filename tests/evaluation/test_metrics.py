"""The measures of the field, worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regression_model.evaluation.metrics import (
    METRICS,
    fsd,
    mae,
    mdape,
    ppe5,
    ppe10,
    ppe20,
    r2,
    rmsle,
    score,
)

ACTUAL = np.array([100.0, 200.0, 300.0, 400.0])
PREDICTED = np.array([110.0, 150.0, 303.0, 400.0])


def test_rmsle_is_the_root_mean_square_of_log_ratios() -> None:
    assert rmsle(np.array([1.0, 1.0]), np.exp([0.3, -0.4])) == pytest.approx(np.sqrt(0.25 / 2))


def test_rmsle_does_not_see_the_scale_of_prices() -> None:
    assert rmsle(1000 * ACTUAL, 1000 * PREDICTED) == pytest.approx(rmsle(ACTUAL, PREDICTED))


def test_mae_is_in_dollars() -> None:
    assert mae(ACTUAL, PREDICTED) == (10 + 50 + 3 + 0) / 4


def test_mdape_is_the_median_share_of_the_price() -> None:
    assert mdape(ACTUAL, PREDICTED) == pytest.approx((0.10 + 0.01) / 2)


def test_ppe10_counts_what_is_within_ten_percent() -> None:
    assert ppe10(ACTUAL, PREDICTED) == 0.75


@pytest.mark.parametrize("price", [50.0, 100.0, 30_000.0, 123_450.0, 755_000.0])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("within", "part"), [(ppe5, 20), (ppe10, 10), (ppe20, 5)])
def test_a_share_within_includes_the_limit_and_nothing_beyond(
    within: Any, part: int, price: float, side: int
) -> None:
    limit = price / part

    assert within(np.array([price]), np.array([price + side * limit])) == 1.0
    assert within(np.array([price]), np.array([price + side * (limit + 0.01)])) == 0.0


def test_ppe10_is_relative_to_the_actual_price() -> None:
    assert ppe10(np.array([100.0]), np.array([110.0])) == 1.0
    assert ppe10(np.array([110.0]), np.array([100.0])) == 1.0
    assert ppe10(np.array([100.0]), np.array([111.0])) == 0.0
    assert ppe10(np.array([111.0]), np.array([100.0])) == 1.0


def test_r2_is_one_less_the_unexplained_share() -> None:
    residual, total = 10**2 + 50**2 + 3**2, 150**2 + 50**2 + 50**2 + 150**2

    assert r2(ACTUAL, PREDICTED) == pytest.approx(1 - residual / total)
    assert r2(ACTUAL, np.full(4, ACTUAL.mean())) == 0.0
    assert np.isnan(r2(ACTUAL[:1], PREDICTED[:1]))


def test_fsd_is_the_spread_of_errors_as_shares_of_the_estimate() -> None:
    # Errors -1/11, 1/3, -1/101 and 0 of the estimates, not of the prices.
    errors = [-10 / 110, 50 / 150, -3 / 303, 0]
    mean = sum(errors) / 4

    expected = (sum((e - mean) ** 2 for e in errors) / 4) ** 0.5

    assert fsd(ACTUAL, PREDICTED) == pytest.approx(expected)


def test_fsd_does_not_see_a_bias_that_all_estimates_share() -> None:
    assert fsd(ACTUAL, 0.8 * ACTUAL) == pytest.approx(0)


def test_perfect_prediction_scores_best_on_every_metric() -> None:
    assert score(ACTUAL, ACTUAL) == {
        "rmsle": 0,
        "mae": 0,
        "mdape": 0,
        "ppe5": 1,
        "ppe10": 1,
        "ppe20": 1,
        "r2": 1,
        "fsd": 0,
    }


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_knows_which_way_is_better(name: str) -> None:
    metric = METRICS[name]
    close, far = np.array([1.01, 0.99, 1.01, 1.0]), np.array([1.5, 0.6, 1.5, 1.0])
    better = metric.function(ACTUAL, close * ACTUAL)
    worse = metric.function(ACTUAL, far * ACTUAL)

    assert (better < worse) is metric.lower_is_better
    assert score(ACTUAL, close * ACTUAL)[name] == better
