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


def ppe5(actual: Prices, predicted: Prices) -> float:
    """Share of predictions within five percent of the price, limit included."""
    return _within(actual, predicted, 0.05)


def ppe10(actual: Prices, predicted: Prices) -> float:
    """Share of predictions within ten percent of the price, limit included."""
    return _within(actual, predicted, 0.10)


def ppe20(actual: Prices, predicted: Prices) -> float:
    """Share of predictions within twenty percent of the price, limit included."""
    return _within(actual, predicted, 0.20)


def _within(actual: Prices, predicted: Prices, share: float) -> float:
    return float(np.mean(np.abs(predicted - actual) <= share * actual))


def r2(actual: Prices, predicted: Prices) -> float:
    """Coefficient of determination, on dollars; NaN where all prices are equal."""
    total = np.sum((actual - actual.mean()) ** 2)
    return float(1 - np.sum((actual - predicted) ** 2) / total) if total > 0 else float("nan")


def fsd(actual: Prices, predicted: Prices) -> float:
    """Forecast standard deviation: spread of (price - prediction) / prediction about its mean.

    Lenders' measure in tests of automated valuation models: about 68% of prices lie within one
    FSD of the prediction where errors are normal and the model is right on average.
    """
    return float(np.std((actual - predicted) / predicted))


class Metric(NamedTuple):
    """A measure, how it is titled, and which way is better; ``headline`` in the shortest list."""

    function: Callable[[Prices, Prices], float]
    title: str
    lower_is_better: bool
    form: str
    headline: bool = True


METRICS = {
    "rmsle": Metric(rmsle, "RMSLE", True, "{:.4f}"),
    "mae": Metric(mae, "MAE", True, "${:,.0f}"),
    "mdape": Metric(mdape, "MdAPE", True, "{:.1%}"),
    "ppe5": Metric(ppe5, "PPE5", False, "{:.1%}", headline=False),
    "ppe10": Metric(ppe10, "PPE10", False, "{:.1%}"),
    "ppe20": Metric(ppe20, "PPE20", False, "{:.1%}", headline=False),
    "r2": Metric(r2, "R²", False, "{:.3f}"),
    "fsd": Metric(fsd, "FSD", True, "{:.1%}"),
}
HEADLINES = {name: metric for name, metric in METRICS.items() if metric.headline}


def score(actual: Prices, predicted: Prices) -> dict[str, float]:
    """Return every metric by name."""
    return {name: metric.function(actual, predicted) for name, metric in METRICS.items()}
