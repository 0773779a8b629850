"""How wide the range around a price must be."""

from __future__ import annotations

import math

import numpy as np

from regression_model.evaluation.metrics import Prices


def conformal_half_width(actual: Prices, out_of_fold: Prices, *, coverage: float) -> float:
    """Half width of the range on the logarithm of the price, one for all houses.

    The ``ceil((n + 1) * coverage)``-th smallest absolute residual of predictions made by models
    that had not seen the row (cross-conformal: V. Vovk, Annals of Mathematics and Artificial
    Intelligence 74, 2015; the finite-sample rank is that of split conformal prediction). ``actual``
    and ``out_of_fold`` are dollars, shape ``(n,)``; residuals of several repeats may be stacked.
    """
    residuals = np.sort(np.abs(np.log(actual) - np.log(out_of_fold)))
    rank = math.ceil((len(residuals) + 1) * coverage)
    return float(residuals[min(rank, len(residuals)) - 1])


def covered(actual: Prices, predicted: Prices, half_width: float) -> float:
    """Share of prices within the range."""
    return float(np.mean(np.abs(np.log(actual) - np.log(predicted)) <= half_width))
