"""Columns that carry nothing, or nothing new, left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer


class KeptColumns(MatrixTransformer):
    """Leave columns out; base of two steps.

    Attributes
    ----------
    kept_ : ndarray of int
        Positions of the columns that stay.
    """

    kept_: NDArray[np.intp]

    def _apply(self, matrix: Matrix) -> Matrix:
        return matrix[:, self.kept_]

    def _names_out(self, names: list[str]) -> list[str]:
        return [names[j] for j in self.kept_]


class ColumnDropper(KeptColumns):
    """Leave out the named columns.

    Parameters
    ----------
    columns : sequence of str or of int, default ()
        Names or positions.
    """

    def __init__(self, columns: Columns = ()) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.kept_ = np.setdiff1d(np.arange(matrix.shape[1]), self._positions(self.columns))
        self._require("columns", len(self.kept_) > 0, "fewer than all columns")


class FeatureSelector(KeptColumns):
    """Keep the columns that pass every criterion; constant columns never pass.

    If no column passes, the column with the largest variance stays.

    Parameters
    ----------
    quasi_constant : float, optional
        Leave out columns in which one value has at least this share of the rows.
    duplicate : bool, default False
        Leave out copies of an earlier column.
    correlated : float, optional
        Leave out columns whose absolute correlation with an earlier kept column is above this.
    linear_model : float, optional
        Keep only columns to which a Lasso with this alpha gives a coefficient.
    """

    def __init__(
        self,
        quasi_constant: float | None = None,
        duplicate: bool = False,
        correlated: float | None = None,
        linear_model: float | None = None,
    ) -> None:
        self.quasi_constant = quasi_constant
        self.duplicate = duplicate
        self.correlated = correlated
        self.linear_model = linear_model

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self._require(
            "quasi_constant", _between(self.quasi_constant, 0, 1), "a share of rows, 0 to 1"
        )
        self._require("correlated", _between(self.correlated, 0, 1), "a correlation, 0 to 1")
        self._require("linear_model", _between(self.linear_model, 0, np.inf), "0 or more")
        everything = range(matrix.shape[1])
        kept = np.array([j for j in everything if self._varies(matrix[:, j])], dtype=np.intp)
        if self.duplicate:
            kept = self._unlike(matrix, kept, limit=None)
        if self.correlated is not None:
            kept = self._unlike(matrix, kept, limit=self.correlated)
        if self.linear_model is not None and y is not None and len(kept):
            kept = self._chosen_by_lasso(matrix, kept, y)
        if not len(kept):
            kept = np.array([int(np.argmax(np.nan_to_num(matrix).var(axis=0)))])
        self.kept_ = kept

    def _varies(self, values: Matrix) -> bool:
        counts = np.unique(values, return_counts=True)[1]
        limit = 1.0 if self.quasi_constant is None else self.quasi_constant
        return bool(counts.max() < limit * len(values))

    def _unlike(
        self, matrix: Matrix, kept: NDArray[np.intp], *, limit: float | None
    ) -> NDArray[np.intp]:
        chosen: list[int] = []
        scaled = np.nan_to_num(StandardScaler().fit_transform(matrix)) / np.sqrt(len(matrix))
        for j in kept:
            if limit is None:
                alike = any(np.array_equal(matrix[:, j], matrix[:, k], True) for k in chosen)
            else:
                alike = bool(chosen) and np.abs(scaled[:, chosen].T @ scaled[:, j]).max() > limit
            if not alike:
                chosen.append(int(j))
        return np.array(chosen, dtype=np.intp)

    def _chosen_by_lasso(
        self, matrix: Matrix, kept: NDArray[np.intp], y: Matrix
    ) -> NDArray[np.intp]:
        scaled = StandardScaler().fit_transform(matrix[:, kept])
        model = Lasso(alpha=self.linear_model, max_iter=10_000).fit(np.nan_to_num(scaled), y)
        chosen: NDArray[np.intp] = kept[np.abs(model.coef_) > 0]
        return chosen


def _between(value: float | None, low: float, high: float) -> bool:
    return value is None or low <= value <= high


@convert.register
def _(step: KeptColumns, graph: GraphBuilder, x: str) -> str:
    if len(step.kept_) == step.n_features_in_:
        return x
    return graph.columns(x, step.kept_)
