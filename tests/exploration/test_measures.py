"""Each measure against an example worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from regression_model.exploration.measures import (
    correlation_ratio,
    cramers_v,
    kolmogorov_smirnov,
    outer_fences,
    population_stability,
    shares,
    stability_by_chance,
)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_outer_fences_are_three_interquartile_ranges_out() -> None:
    assert outer_fences(np.arange(0.0, 101.0)) == (25 - 3 * 50, 75 + 3 * 50)


@pytest.mark.parametrize("values", [array(), array(7, 7, 7), array(0, 0, 0, 0, 0, 0, 0, 9)])
def test_there_are_no_fences_where_half_of_the_values_are_one(values: np.ndarray) -> None:
    assert outer_fences(values) is None


def test_the_correlation_ratio_is_the_share_of_variance_between_groups() -> None:
    # Means 2 and 6 around 4: four times 2² between, four times 1² within.
    ratio = correlation_ratio(array(0, 0, 1, 1), array(1, 3, 5, 7))

    assert ratio == pytest.approx(16 / 20)


def test_the_correlation_ratio_reaches_both_of_its_ends() -> None:
    assert correlation_ratio(array(0, 0, 1, 1), array(3, 3, 5, 5)) == 1
    assert correlation_ratio(array(0, 1, 0, 1), array(3, 3, 5, 5)) == 0
    assert np.isnan(correlation_ratio(array(0, 1), array(3, 3)))


def test_cramers_v_of_a_two_by_two_table() -> None:
    # Counts 30, 10, 10, 30: every cell expects 20, χ² = 4 (100 / 20) = 20, V = √(20 / 80).
    left = np.repeat(array(0, 0, 1, 1), [30, 10, 10, 30])
    right = np.repeat(array(0, 1, 0, 1), [30, 10, 10, 30])

    assert cramers_v(left, right) == pytest.approx(0.5)


def test_cramers_v_reaches_both_of_its_ends() -> None:
    assert cramers_v(array(0, 1, 2, 2), array(5, 3, 4, 4)) == pytest.approx(1)
    assert cramers_v(array(0, 0, 1, 1), array(0, 1, 0, 1)) == 0
    assert np.isnan(cramers_v(array(0, 1), array(2, 2)))


def test_population_stability_of_two_bins() -> None:
    expected = 0.25 * np.log(0.75 / 0.5) + -0.25 * np.log(0.25 / 0.5)

    assert population_stability(array(0.5, 0.5), array(0.75, 0.25)) == pytest.approx(expected)
    assert population_stability(array(0.5, 0.5), array(0.5, 0.5)) == 0


def test_shares_add_up_and_are_never_zero() -> None:
    assert shares(np.array([9, 0])).tolist() == [0.95, 0.05]


def test_two_samples_of_one_population_are_stable_by_chance_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(1)
    p = np.full(10, 0.1)
    counts = rng.multinomial(500, p, size=2000), rng.multinomial(800, p, size=2000)

    drawn = [population_stability(shares(a), shares(b)) for a, b in zip(*counts, strict=True)]

    assert np.mean(np.array(drawn) <= stability_by_chance(10, (500, 800))) == pytest.approx(
        0.95, abs=0.02
    )


def test_the_distance_of_two_samples_is_the_largest_gap_of_their_distributions() -> None:
    # Up to 2 lie two of three values on the left, and one of four on the right.
    assert kolmogorov_smirnov(array(1, 2, 5), array(2, 3, 4, 6)) == pytest.approx(2 / 3 - 1 / 4)
    assert kolmogorov_smirnov(array(1, 2), array(3, 4)) == 1
    assert np.isnan(kolmogorov_smirnov(array(), array(1)))
