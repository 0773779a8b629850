"""Levels ordered by what houses of that level sell for."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import KFold

from regression_model.training.transformers.levels import CodeTables
from regression_model.training.transformers.matrix import Columns, Matrix


class TargetOrderedEncoder(CodeTables):
    """Replace codes by the mean target of their level.

    The mean is shrunk towards the overall mean (D. Micci-Barreca, SIGKDD Explorations 3(1), 2001).
    ``fit_transform`` encodes each row from the *other* folds only, so that no row sees its own
    target; ``transform`` uses all rows. A level that training did not hold gets the overall mean.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.
    smooth : float, default 10.0
        Number of rows with the overall mean that are added to each level.
    folds : int, default 5
        Number of folds of ``fit_transform``.
    random_state : int, default 0
        Seed of the folds.
    """

    def __init__(
        self,
        columns: Columns = None,
        smooth: float = 10.0,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.columns = columns
        self.smooth = smooth
        self.folds = folds
        self.random_state = random_state

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        if y is None:
            raise ValueError(
                "TargetOrderedEncoder requires y to be passed, but the target y is None"
            )
        self._require("smooth", self.smooth >= 0, "0 rows or more")
        self._require(
            "folds", self.folds >= 2, "2 or more: one fold would show rows their own price"
        )
        self.positions_ = self._positions(self.columns)
        self.tables_ = self._tables(matrix, y)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Learn from all rows, and return them encoded out of fold.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Codes of levels in the chosen columns; NaN is unknown.
        y : array-like of shape (n,)
            Target.
        **fit_params
            None is used.

        Returns
        -------
        ndarray of float64 or DataFrame of shape (n, columns)
            The encoded rows.

        Raises
        ------
        ValueError
            If there is no target, or a parameter is impossible.
        """
        self.fit(X, y)
        matrix = np.asarray(X, dtype=np.float64)
        target = np.asarray(y, dtype=np.float64)
        result = self._apply(matrix)
        folds = min(self.folds, len(matrix))
        if folds >= 2:
            splitter = KFold(folds, shuffle=True, random_state=self.random_state)
            for rest, fold in splitter.split(matrix):
                tables = self._tables(matrix[rest], target[rest])
                result[fold] = self._replace(matrix[fold], tables)
        return result

    def _tables(self, matrix: Matrix, y: Matrix) -> list[Matrix]:
        return [self._table(matrix[:, j], y) for j in self.positions_]

    def _table(self, values: Matrix, y: Matrix) -> Matrix:
        known = ~np.isnan(values)
        codes = np.maximum(values[known], 0).astype(np.intp)
        overall = float(y.mean())
        counts = np.bincount(codes, minlength=1)
        sums = np.bincount(codes, weights=y[known], minlength=1)
        weight = counts + self.smooth
        means = np.where(
            weight > 0, (sums + self.smooth * overall) / np.maximum(weight, 1e-9), overall
        )
        means = np.where(counts > 0, means, overall)
        return np.append(means, overall)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
