"""Runs the compiled graph: numeric matrix in, price and range out."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.reading.encoder import Matrix
from regression_model.runtime import ort

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
    standard deviation, both at difficulty 1. With ``inputs``, a graph that takes another number of
    columns, or answers with other tensors, is refused with ValueError.
    """

    def __init__(
        self,
        graph: bytes,
        *,
        half_width: float = 0.0,
        fsd: float = 0.0,
        inputs: int | None = None,
    ) -> None:
        self._session = open_session(graph)
        if inputs is not None:
            self._check_shapes(inputs)
        self._one_row = _OneRow(self._session)
        self._half_width = half_width
        self._fsd = fsd

    def score(self, matrix: Matrix) -> Valuation:
        """Value each row of ``matrix``, shape ``(n, features)``."""
        return self.valuation(*self._session.run(OUTPUT_NAMES, {INPUT_NAME: matrix}))

    def valuation(self, log_price: Dollars, difficulty: Dollars) -> Valuation:
        """Return what the graph's outputs say, each of shape ``(n, 1)``."""
        price = np.exp(log_price[:, 0])
        spread = np.exp(self._half_width * difficulty[:, 0])
        return Valuation(price, price / spread, price * spread, self._fsd * difficulty[:, 0])

    def score_each(self, matrix: Matrix) -> list[tuple[float, float, float, float]]:
        """Price, limits and ``fsd`` of each row as numbers of Python: faster for a few rows."""
        each = []
        for log_price, difficulty in self._results(matrix):
            price, spread = math.exp(log_price), math.exp(self._half_width * difficulty)
            each.append((price, price / spread, price * spread, self._fsd * difficulty))
        return each

    def _check_shapes(self, inputs: int) -> None:
        given, made = self._session.get_inputs(), self._session.get_outputs()
        held = {tensor.name: (tensor.type, tensor.shape[1:]) for tensor in (*given, *made)}
        wanted = {name: ("tensor(double)", [1]) for name in OUTPUT_NAMES}
        wanted[INPUT_NAME] = ("tensor(float)", [inputs])
        if held != wanted:
            raise ValueError(f"the graph has {held}, expected {wanted}")

    def _results(self, matrix: Matrix) -> Iterable[tuple[float, float]]:
        if len(matrix) == 1:
            return [self._one_row.run(matrix)]
        results = self._session.run(OUTPUT_NAMES, {INPUT_NAME: matrix})
        return zip(*(column.ravel().tolist() for column in results), strict=True)


class _OneRow(threading.local):
    """Memory for one house and its results, bound to a session; each thread has its own.

    That spares ONNX Runtime's Python layer from wrapping arrays, which takes as long as 20 nodes.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._house = np.empty((1, session.get_inputs()[0].shape[1]), np.float32)
        self._log_price, self._difficulty = np.empty((1, 1)), np.empty((1, 1))
        self._binding = session.io_binding()
        house = self._house
        self._binding.bind_input(INPUT_NAME, "cpu", 0, np.float32, house.shape, house.ctypes.data)
        for name, value in zip(OUTPUT_NAMES, (self._log_price, self._difficulty), strict=True):
            self._binding.bind_output(name, "cpu", 0, np.float64, value.shape, value.ctypes.data)

    def run(self, matrix: Matrix) -> tuple[float, float]:
        self._house[...] = matrix
        self._session.run_with_iobinding(self._binding)
        return self._log_price.item(), self._difficulty.item()


def open_session(graph: bytes) -> Any:
    """Return an inference session that uses one core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
