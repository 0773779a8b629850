"""The rank that makes a range hold its share of prices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def conformal_quantile(scores: NDArray[np.float64], *, coverage: float) -> float:
    """Return the ``ceil((n + 1) * coverage)``-th smallest of ``scores``, shape ``(n,)``.

    A new score from the same source is at most this with probability ``coverage`` or a little more
    (V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, 2005, chapter 2);
    the largest where there are too few scores for that.
    """
    ordered = np.sort(scores)
    rank = math.ceil((len(ordered) + 1) * coverage)
    return float(ordered[min(rank, len(ordered)) - 1])
