"""Accuracy of prices, by the measures of the field.

All functions take ``actual`` and ``predicted``: positive dollars, shape ``(n,)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Prices = NDArray[np.float64]


def rmsle(actual: Prices, predicted: Prices) -> float:
    """Root mean squared error of the natural logarithm of the price."""
    return float(np.sqrt(np.mean((np.log(predicted) - np.log(actual)) ** 2)))


def mae(actual: Prices, predicted: Prices) -> float:
    """Mean absolute error, in dollars."""
    return float(np.mean(np.abs(predicted - actual)))


def mdape(actual: Prices, predicted: Prices) -> float:
    """Median absolute error as a share of the price."""
    return float(np.median(np.abs(predicted - actual) / actual))


def ppe10(actual: Prices, predicted: Prices) -> float:
    """Share of predictions within ten percent of the price, limit included."""
    return float(np.mean(np.abs(predicted - actual) <= 0.10 * actual))


def r2(actual: Prices, predicted: Prices) -> float:
    """Coefficient of determination, on dollars."""
    return float(1 - np.sum((actual - predicted) ** 2) / np.sum((actual - actual.mean()) ** 2))


class Metric(NamedTuple):
    """A measure, how it is titled, and which way is better."""

    function: Callable[[Prices, Prices], float]
    title: str
    lower_is_better: bool
    form: str


METRICS = {
    "rmsle": Metric(rmsle, "RMSLE", True, "{:.4f}"),
    "mae": Metric(mae, "MAE", True, "${:,.0f}"),
    "mdape": Metric(mdape, "MdAPE", True, "{:.1%}"),
    "ppe10": Metric(ppe10, "PPE10", False, "{:.1%}"),
    "r2": Metric(r2, "R²", False, "{:.3f}"),
}


def score(actual: Prices, predicted: Prices) -> dict[str, float]:
    """Every metric by name."""
    return {name: metric.function(actual, predicted) for name, metric in METRICS.items()}
