"""The ratio study by which assessors are judged: level, uniformity, and fairness across prices.

Source: International Association of Assessing Officers, Standard on Ratio Studies, April 2013.
A ratio is estimate / price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.evaluation.metrics import Prices

Values = NDArray[np.float64]

MIN_SALES = 30  # sales of a stratum below which no statistic is given
FENCE = 3.0  # interquartile ranges beyond the quartiles at which a ratio is an extreme outlier
CONFIDENCE = 0.95
_CELLS = 2_000_000  # sales drawn at a time, which bounds the memory of the bootstrap


# Statistics take estimates and prices of shape (..., n) and give one value for each leading index.


def median_ratio(estimate: Values, price: Values) -> Values:
    """Level of the estimates (Standard, 5.3.1)."""
    return np.asarray(np.median(estimate / price, axis=-1))


def mean_ratio(estimate: Values, price: Values) -> Values:
    """Level, every sale alike (Standard, 5.3.2)."""
    return np.asarray(np.mean(estimate / price, axis=-1))


def weighted_mean_ratio(estimate: Values, price: Values) -> Values:
    """Level, every dollar alike: sum of estimates / sum of prices (Standard, 5.3.3)."""
    return np.asarray(estimate.sum(axis=-1) / price.sum(axis=-1))


def cod(estimate: Values, price: Values) -> Values:
    """Coefficient of dispersion: mean distance from the median ratio, in percent of it."""
    ratio = estimate / price
    median = np.median(ratio, axis=-1, keepdims=True)
    return np.asarray(100 * np.mean(np.abs(ratio / median - 1), axis=-1))


def prd(estimate: Values, price: Values) -> Values:
    """Price-related differential: mean ratio / weighted mean ratio."""
    return np.asarray(mean_ratio(estimate, price) / weighted_mean_ratio(estimate, price))


def prb(estimate: Values, price: Values) -> Values:
    """Price-related bias: by what share ratios change when the value of a house doubles.

    Slope of (ratio - median) / median on the logarithm to base 2 of the value, estimated by half
    of the price plus half of the estimate / median. NaN where all values are equal.
    """
    ratio = estimate / price
    median = np.median(ratio, axis=-1, keepdims=True)
    value = np.log2(0.5 * price + 0.5 * estimate / median)
    value = value - value.mean(axis=-1, keepdims=True)
    spread = np.asarray(np.sum(value**2, axis=-1))
    slope = np.full_like(spread, np.nan)
    np.divide(np.sum(value * (ratio / median - 1), axis=-1), spread, out=slope, where=spread > 0)
    return slope


class Statistic(NamedTuple):
    """A statistic, how it is titled, and the limits of the standard (inclusive)."""

    function: Callable[[Values, Values], Values]
    title: str
    form: str
    limits: tuple[float, float] | None


STATISTICS = {
    "median": Statistic(median_ratio, "median ratio", "{:.3f}", (0.90, 1.10)),
    "mean": Statistic(mean_ratio, "mean ratio", "{:.3f}", None),
    "weighted_mean": Statistic(weighted_mean_ratio, "weighted mean", "{:.3f}", None),
    "cod": Statistic(cod, "COD", "{:.2f}", (5.0, 15.0)),
    "prd": Statistic(prd, "PRD", "{:.3f}", (0.98, 1.03)),
    "prb": Statistic(prb, "PRB", "{:+.3f}", (-0.05, 0.05)),
}
LIMITED = {name: s.limits for name, s in STATISTICS.items() if s.limits is not None}


@dataclass(frozen=True)
class Measured:
    """A statistic's value, its bootstrap interval, and how both stand to the limits.

    ``within`` judges the value; ``surely_past`` tells that the whole interval is past a limit, so
    that the choice of sales does not explain it. None means: not asked for, without a
    limit, or not defined.
    """

    value: float | None
    low: float | None
    high: float | None
    within: bool | None
    surely_past: bool | None


@dataclass(frozen=True)
class RatioStudy:
    """Statistics of a stratum by name, without its extreme outliers and with them.

    Both are None where the stratum has fewer than ``MIN_SALES`` sales.
    """

    name: str
    sales: int
    outliers: int
    trimmed: Mapping[str, Measured] | None
    untrimmed: Mapping[str, Measured] | None

    @property
    def past_limits(self) -> list[str]:
        """Return names of the trimmed statistics past their limits."""
        return [name for name, m in (self.trimmed or {}).items() if m.within is False]

    @property
    def surely_past_limits(self) -> list[str]:
        """Return names of those whose whole interval is past."""
        return [name for name, m in (self.trimmed or {}).items() if m.surely_past]


def ratio_study(
    name: str, actual: Prices, predicted: Prices, *, resamples: int = 0, seed: int = 0
) -> RatioStudy:
    """Study the sales of one stratum; ``resamples`` of the bootstrap, 0 for no intervals."""
    kept = ~extreme_outliers(predicted / actual)
    count, outliers = len(actual), int(np.sum(~kept))
    if count < MIN_SALES:
        return RatioStudy(name, count, outliers, trimmed=None, untrimmed=None)
    untrimmed = _measure(predicted, actual, resamples, seed)
    trimmed = _measure(predicted[kept], actual[kept], resamples, seed) if outliers else untrimmed
    return RatioStudy(name, count, outliers, trimmed=trimmed, untrimmed=untrimmed)


def extreme_outliers(ratio: Values) -> NDArray[np.bool_]:
    """Ratios more than 3 interquartile ranges outside of the quartiles (Standard, appendix B).

    Quartiles are interpolated linearly between the two nearest ratios.
    """
    first, third = np.quantile(ratio, [0.25, 0.75])
    reach = FENCE * (third - first)
    return np.asarray((ratio < first - reach) | (ratio > third + reach))


def within_limits(name: str, value: float) -> bool | None:
    """Return whether ``value`` is within the standard's limits; None without limits."""
    limits = STATISTICS[name].limits
    # Nine digits are more than is ever printed, and forgive a binary fraction that is just past.
    return None if limits is None else bool(limits[0] <= round(value, 9) <= limits[1])


def limits_text(name: str) -> str:
    """Return the limits of the standard as it prints them; empty where there are none."""
    limits = STATISTICS[name].limits
    if limits is None:
        return ""
    return " to ".join(f"{limit:g}" if limit.is_integer() else f"{limit:.2f}" for limit in limits)


def _measure(estimate: Values, price: Values, resamples: int, seed: int) -> dict[str, Measured]:
    intervals = bootstrap(estimate, price, resamples=resamples, seed=seed) if resamples else {}
    measured = {}
    for name, statistic in STATISTICS.items():
        value = _number(statistic.function(estimate, price))
        low, high = intervals.get(name, (None, None))
        within = None if value is None else within_limits(name, value)
        measured[name] = Measured(value, low, high, within, _surely_past(name, low, high))
    return measured


def _surely_past(name: str, low: float | None, high: float | None) -> bool | None:
    limits = STATISTICS[name].limits
    if limits is None or low is None or high is None:
        return None
    return high < limits[0] or low > limits[1]


def bootstrap(
    estimate: Values, price: Values, *, resamples: int, seed: int
) -> dict[str, tuple[float | None, float | None]]:
    """95% percentile interval of every statistic (B. Efron, Annals of Statistics 7, 1979).

    Sales are drawn with replacement, ``resamples`` times.
    """
    rng, count = np.random.default_rng(seed), len(price)
    drawn: dict[str, list[Values]] = {name: [] for name in STATISTICS}
    at_once = max(1, _CELLS // count)
    for start in range(0, resamples, at_once):
        rows = rng.integers(count, size=(min(at_once, resamples - start), count))
        for name, statistic in STATISTICS.items():
            drawn[name].append(statistic.function(estimate[rows], price[rows]))
    tail = (1 - CONFIDENCE) / 2
    intervals = {}
    for name, parts in drawn.items():
        low, high = np.quantile(np.concatenate(parts), [tail, 1 - tail])
        intervals[name] = (_number(low), _number(high))
    return intervals


def _number(value: Values | np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
