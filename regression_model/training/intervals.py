"""How wide the range around a price must be.

Let ``m`` be the estimate of a house and ``d`` its difficulty. Each sale ``i`` of price ``y`` gets a
score by models that had not seen it, neither for the estimate nor for the difficulty:

    s_i = |log y_i - log m_i| / d_i

The half width ``q`` is the ``ceil((n + 1) * coverage)``-th smallest score, and the range of a
house is ``m * exp(-q * d)`` to ``m * exp(q * d)``. If a new house is drawn like the sales, its own
score is equally likely to take any rank among theirs, so it exceeds ``q`` with a probability of
about ``1 - coverage``, with good and bad models; a better difficulty makes ranges narrower,
not safer. Scores of all folds are pooled, so that no sale is lost to calibration (cross-conformal:
V. Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015; scaled scores: J. Lei, M.
G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman, JASA 113, 2018, section 5.2). The rank is exact
for split conformal prediction; pooled, ``1 - 2 * (1 - coverage)`` is guaranteed in the worst case
(R. Barber, E. Candès, A. Ramdas and R. Tibshirani, Annals of Statistics 49, 2021), and in practice
coverage is close to the nominal one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regression_model.evaluation.conformal import conformal_quantile

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What difficulty is multiplied by, on the logarithm of the price.

    ``half_width`` gives half the range at the config's coverage, ``fsd`` the forecast standard
    deviation (root mean square of the scaled errors).
    """

    half_width: float
    fsd: float


def calibrate(error: Column, difficulty: Column, *, coverage: float) -> Calibration:
    """Calibrate ranges on out-of-fold errors of log prices and difficulties, shape ``(n,)``."""
    scaled = error / difficulty
    half_width = conformal_quantile(np.abs(scaled), coverage=coverage)
    return Calibration(half_width, float(np.sqrt(np.mean(scaled**2))))


def covered(error: Column, difficulty: Column, calibration: Calibration) -> float:
    """Share of prices within their range."""
    return float(np.mean(np.abs(error) <= calibration.half_width * difficulty))
