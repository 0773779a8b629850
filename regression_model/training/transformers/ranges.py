"""Values beyond the training range, held at its edge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Matrix, MatrixTransformer


class RangeClipper(MatrixTransformer):
    """Limit columns to a range, so that no linear term grows without bound on a giant house.

    Parameters
    ----------
    ranges : mapping of str to (float, float), optional
        Lowest and highest value by column. Default: for every column, the extremes that ``fit``
        saw.
    """

    def __init__(self, ranges: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.ranges = ranges

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        if self.ranges is None:
            nothing = np.isnan(matrix).all(axis=0)
            known = np.where(nothing, 0.0, matrix)
            self.low_ = np.where(nothing, -np.inf, np.nanmin(known, axis=0))
            self.high_ = np.where(nothing, np.inf, np.nanmax(known, axis=0))
            return
        free = (-np.inf, np.inf)
        limits = [self.ranges.get(name, free) for name in self._names_in()]
        self.low_, self.high_ = np.array(limits, dtype=float).T

    def _apply(self, matrix: Matrix) -> Matrix:
        return np.clip(matrix, self.low_, self.high_)


@convert.register
def _(step: RangeClipper, graph: GraphBuilder, x: str) -> str:
    return graph.clip(x, step.low_, step.high_)
