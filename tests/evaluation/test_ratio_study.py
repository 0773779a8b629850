"""The ratio study, each formula worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regression_model.evaluation.ratio_study import (
    LIMITED,
    STATISTICS,
    bootstrap,
    cod,
    extreme_outliers,
    mean_ratio,
    median_ratio,
    prb,
    prd,
    ratio_study,
    weighted_mean_ratio,
    within_limits,
)

PRICE = np.array([100.0, 200.0, 400.0])
ESTIMATE = np.array([90.0, 200.0, 480.0])  # ratios 0.9, 1.0, 1.2


def many(seed: int = 1, count: int = 60) -> tuple[Any, Any]:
    """Prices and estimates that differ by a tenth or so."""
    rng = np.random.default_rng(seed)
    price = np.exp(rng.normal(12, 0.4, count))
    return price, price * np.exp(rng.normal(0, 0.1, count))


def test_the_level_is_told_by_median_mean_and_weighted_mean() -> None:
    assert median_ratio(ESTIMATE, PRICE) == pytest.approx(1.0)
    assert mean_ratio(ESTIMATE, PRICE) == pytest.approx(3.1 / 3)
    assert weighted_mean_ratio(ESTIMATE, PRICE) == pytest.approx(770 / 700)


def test_the_median_of_an_even_number_of_ratios_lies_in_the_middle_of_two() -> None:
    assert median_ratio(np.array([1.0, 2.0]), np.array([1.0, 1.0])) == 1.5


def test_cod_is_the_mean_distance_from_the_median_in_percent_of_it() -> None:
    assert cod(ESTIMATE, PRICE) == pytest.approx(100 * (0.1 + 0 + 0.2) / 3)
    assert cod(2 * ESTIMATE, PRICE) == pytest.approx(cod(ESTIMATE, PRICE))


def test_prd_is_the_mean_over_the_weighted_mean() -> None:
    assert prd(ESTIMATE, PRICE) == pytest.approx((3.1 / 3) / (770 / 700))


def test_prd_is_above_one_where_dear_houses_are_valued_low() -> None:
    assert prd(np.array([120.0, 360.0]), np.array([100.0, 400.0])) > 1


def test_prb_is_what_the_ratio_gains_when_the_value_doubles() -> None:
    # Values 95, 200 and 440 stand for the houses; their logarithms to base 2 and the slope by hand.
    x = np.log2([95.0, 200.0, 440.0])
    y = np.array([-0.1, 0.0, 0.2])
    slope = np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)

    assert prb(ESTIMATE, PRICE) == pytest.approx(slope)
    assert prb(ESTIMATE, PRICE) == pytest.approx(0.136, abs=0.001)


def test_prb_is_a_straight_line_through_two_houses() -> None:
    # Ratios 1.2 and 0.9, median 1.05: values 50 + 60 / 1.05 and 200 + 180 / 1.05.
    rise = (0.9 - 1.2) / 1.05
    run = np.log2((200 + 180 / 1.05) / (50 + 60 / 1.05))

    assert prb(np.array([120.0, 360.0]), np.array([100.0, 400.0])) == pytest.approx(rise / run)


def test_prb_of_houses_of_one_value_is_not_defined() -> None:
    assert np.isnan(prb(np.array([100.0, 100.0]), np.array([100.0, 100.0])))


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_of_many_samples_is_that_of_each(name: str) -> None:
    function = STATISTICS[name].function
    price, estimate = (values.reshape(4, 15) for values in many())

    each = [float(function(e, p)) for e, p in zip(estimate, price, strict=True)]

    assert function(estimate, price) == pytest.approx(each)


def test_extreme_outliers_lie_beyond_three_interquartile_ranges() -> None:
    # Of 1 to 9 the quartiles are 3 and 7: the fences are -9 and 19.
    middle = np.arange(2.0, 9.0)

    assert extreme_outliers(np.array([-9, *middle, 19])).sum() == 0
    assert np.flatnonzero(extreme_outliers(np.array([-9.01, *middle, 19.01]))).tolist() == [0, 8]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("median", 0.90, 1.10), ("cod", 5, 15), ("prd", 0.98, 1.03), ("prb", -0.05, 0.05)],
)
def test_limits_are_those_of_the_standard_and_include_their_ends(
    name: str, low: float, high: float
) -> None:
    for value, expected in (
        (low, True),
        (high, True),
        (low - 1e-6, False),
        (high + 1e-6, False),
        (np.nextafter(high, 99), True),  # a fraction that binary cannot hold
        (np.nextafter(low, -99), True),
    ):
        assert within_limits(name, value) is expected, value


def test_a_mean_has_no_limit() -> None:
    assert within_limits("mean", 0.5) is None
    assert set(LIMITED) == {"median", "cod", "prd", "prb"}


def test_fewer_than_thirty_sales_give_no_statistic() -> None:
    price, estimate = many()

    few = ratio_study("few", price[:29], estimate[:29])
    enough = ratio_study("enough", price[:30], estimate[:30])

    assert (few.sales, few.trimmed, few.untrimmed, few.past_limits) == (29, None, None, [])
    assert enough.trimmed is not None
    assert set(enough.trimmed) == set(STATISTICS)


def test_outliers_are_left_out_on_one_side_and_kept_on_the_other() -> None:
    price, estimate = many()
    estimate[7] = 9 * price[7]

    found = ratio_study("all", price, estimate)

    assert found.outliers == 1
    assert found.trimmed is not None
    assert found.untrimmed is not None
    rest = np.arange(60) != 7
    assert found.trimmed["cod"].value == pytest.approx(cod(estimate[rest], price[rest]))
    assert found.untrimmed["cod"].value == pytest.approx(cod(estimate, price))
    assert found.past_limits == []
    assert found.untrimmed["cod"].within is False


def test_a_limit_is_judged_on_the_value_with_the_interval_beside_it() -> None:
    price, estimate = many()

    found = ratio_study("low", price, 0.895 * estimate, resamples=200)

    assert found.trimmed is not None
    median = found.trimmed["median"]
    assert median.value is not None
    assert median.low is not None
    assert median.high is not None
    assert median.low < median.value < 0.90 < median.high
    assert found.past_limits == ["median"]


def test_without_resamples_there_are_values_and_no_intervals() -> None:
    found = ratio_study("all", *many())

    assert found.trimmed is not None
    assert all(m.value is not None and m.low is m.high is None for m in found.trimmed.values())


def test_the_bootstrap_is_the_one_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    price, estimate = many()
    rng = np.random.default_rng(3)
    rows = [rng.integers(60, size=60) for _ in range(50)]
    expected = np.quantile([np.median(estimate[r] / price[r]) for r in rows], [0.025, 0.975])

    whole = bootstrap(estimate, price, resamples=50, seed=3)
    monkeypatch.setattr("regression_model.evaluation.ratio_study._CELLS", 7 * 60)
    in_parts = bootstrap(estimate, price, resamples=50, seed=3)

    assert whole["median"] == pytest.approx(tuple(expected))
    assert in_parts == whole


def test_bootstrap_intervals_are_as_wide_as_theory_says() -> None:
    price, estimate = many(count=400)
    low, high = bootstrap(estimate, price, resamples=1000, seed=0)["mean"]
    assert low is not None
    assert high is not None

    expected = 2 * 1.96 * np.std(estimate / price) / np.sqrt(400)

    assert high - low == pytest.approx(expected, rel=0.1)
