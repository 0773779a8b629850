"""Measures of oddness, association and change; each from its source, all on arrays of numbers.

Levels come as codes; NaN is unknown and must have been taken out, except where said otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

FAR_OUT = 3.0
SHIFTED, CHANGED = 0.1, 0.25


def outer_fences(values: Values) -> tuple[float, float] | None:
    """Three interquartile ranges below and above the quartiles; beyond is "far out".

    None where half of the values or more are one, so that the range is zero and every other value
    would be called an outlier. Source: Tukey, Exploratory Data Analysis (1977), section 2D.
    """
    if not len(values):
        return None
    lower, upper = np.quantile(values, [0.25, 0.75])
    spread = upper - lower
    return (float(lower - FAR_OUT * spread), float(upper + FAR_OUT * spread)) if spread else None


def correlation_ratio(groups: Values, values: Values) -> float:
    """η²: the share of the variance of ``values`` that lies between groups, 0 to 1.

    Σ n_g (mean_g - mean)² / Σ (value - mean)²; NaN where the values do not vary.
    Source: Fisher, Statistical Methods for Research Workers (1925), section 45.
    """
    _, index = np.unique(groups, return_inverse=True)
    sizes = np.bincount(index)
    means = np.bincount(index, weights=values) / sizes
    total = float(np.sum((values - values.mean()) ** 2)) if len(values) else 0.0
    return float(np.sum(sizes * (means - values.mean()) ** 2)) / total if total else float("nan")


def cramers_v(left: Values, right: Values) -> float:
    """Association of two columns of levels, 0 (none) to 1 (one tells the other).

    √(χ² / n / (min(rows, columns) - 1)); NaN where one of them does not vary.
    Source: Cramér, Mathematical Methods of Statistics (1946), section 21.9.
    """
    a, i = np.unique(left, return_inverse=True)
    b, j = np.unique(right, return_inverse=True)
    smaller = min(len(a), len(b))
    if smaller < 2:
        return float("nan")
    counts = np.bincount(i * len(b) + j, minlength=len(a) * len(b)).reshape(len(a), len(b))
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(i)
    chi_squared = float(np.sum((counts - expected) ** 2 / expected))
    return float(np.sqrt(chi_squared / len(i) / (smaller - 1)))


def shares(counts: Counts) -> Values:
    """Counts as shares that are never zero: each bin gets half a row more (Jeffreys's prior)."""
    raised = counts + 0.5
    return np.asarray(raised / raised.sum(), dtype=float)


def population_stability(expected: Values, actual: Values) -> float:
    """PSI: Σ (actual - expected) ln(actual / expected) over the shares of the same bins.

    Below 0.1 is stable, from 0.25 on changed. Source: Siddiqi, Credit Risk Scorecards (2006),
    chapter 8.
    """
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def stability_by_chance(bins: int, sizes: tuple[int, int]) -> float:
    """Return the PSI that two samples of one population stay below in 95 of 100 cases.

    (1/n + 1/m) times the quantile of χ² with ``bins - 1`` degrees of freedom. Source: Yurdakul,
    Statistical Properties of Population Stability Index (2018), chapter 3.
    """
    if bins < 2:
        return 0.0
    return float(sum(1 / size for size in sizes) * chi2.ppf(0.95, bins - 1))


def kolmogorov_smirnov(left: Values, right: Values) -> float:
    """Return the largest distance between the two empirical distribution functions, 0 to 1.

    Source: Smirnov, Table for Estimating the Goodness of Fit of Empirical Distributions (1948).
    """
    if not len(left) or not len(right):
        return float("nan")
    points = np.concatenate([left, right])
    below = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (left, right)]
    return float(np.max(np.abs(below[0] - below[1])))
