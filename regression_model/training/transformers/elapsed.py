"""Years as the time that had passed when the house was sold."""

from __future__ import annotations

from typing import Any

import numpy as np

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer


class ElapsedTime(MatrixTransformer):
    """Append ``<column>_elapsed``, the years from each column to the reference.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.
    reference : str or int, optional
        Column that holds the year of the sale. Default: the last column.

    Attributes
    ----------
    positions_ : ndarray of int
        Positions of the columns.
    reference_ : int
        Position of the reference.
    """

    def __init__(self, columns: Columns = None, reference: str | int | None = None) -> None:
        self.columns = columns
        self.reference = reference

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)
        reference: Any = self.n_features_in_ - 1 if self.reference is None else self.reference
        self.reference_ = int(self._positions([reference])[0])

    def _apply(self, matrix: Matrix) -> Matrix:
        elapsed = matrix[:, [self.reference_]] - matrix[:, self.positions_]
        return np.hstack([matrix, elapsed])

    def _names_out(self, names: list[str]) -> list[str]:
        return [*names, *(f"{names[j]}_elapsed" for j in self.positions_)]


@convert.register
def _(step: ElapsedTime, graph: GraphBuilder, x: str) -> str:
    weights = np.zeros((step.n_features_in_, len(step.positions_)))
    weights[step.positions_, np.arange(len(step.positions_))] = -1.0
    weights[step.reference_] += 1.0
    return graph.append(x, graph.sums(x, weights))
