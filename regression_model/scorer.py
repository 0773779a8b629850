"""Runs the compiled graph: numeric matrix in, price and range out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from regression_model.encoder import Matrix

Dollars = NDArray[np.float64]

INPUT_NAME = "houses"
OUTPUT_NAMES = ["log_price", "difficulty"]


class Valuation(NamedTuple):
    """Prices and the limits of their ranges in dollars, each of shape ``(n,)``.

    ``fsd`` is the forecast standard deviation, as a share of the price.
    """

    price: Dollars
    low: Dollars
    high: Dollars
    fsd: NDArray[np.float64]


class Scorer:
    """One inference session with one thread; parallelism belongs to the server.

    Make it in the process that uses it: a session does not survive a fork.
    ``half_width`` is the range's half width on the logarithm of the price, ``fsd`` the forecast
    standard deviation, both at difficulty 1.
    """

    def __init__(self, graph: bytes, *, half_width: float = 0.0, fsd: float = 0.0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._half_width = half_width
        self._fsd = fsd

    def score(self, matrix: Matrix) -> Valuation:
        """Value each row of ``matrix``, shape ``(n, features)``."""
        log_price, difficulty = self._session.run(OUTPUT_NAMES, {INPUT_NAME: matrix})
        price = np.exp(log_price[:, 0])
        spread = np.exp(self._half_width * difficulty[:, 0])
        return Valuation(price, price / spread, price * spread, self._fsd * difficulty[:, 0])
