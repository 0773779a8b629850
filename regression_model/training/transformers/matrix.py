"""What the steps on numeric matrices share: checked input and columns chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from regression_model.suggestions import nearest

Matrix = NDArray[np.float64]
Columns = Sequence[str] | Sequence[int] | None


class MatrixTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Transform a numeric matrix in which NaN means unknown; base of most steps.

    Subclasses learn in ``_learn`` and compute in ``_apply``; both get a float64 matrix of shape
    ``(n, columns)``.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that ``fit`` saw.
    feature_names_in_ : ndarray of str
        Their names, if ``fit`` saw a DataFrame.
    """

    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from a matrix.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Numbers; NaN is unknown.
        y : array-like of shape (n,), optional
            Target, for the steps that need one.

        Returns
        -------
        Self
            The fitted step.

        Raises
        ------
        ValueError
            If ``X`` is not numeric, or a parameter is impossible or names a missing column.
        """
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self._learn(matrix, None if y is None else np.asarray(y, np.float64))
        self._fitted = True
        return self

    def transform(self, X: Any) -> Any:
        """Transform a matrix; ``X`` itself is not changed.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Numbers, in the columns that ``fit`` saw.

        Returns
        -------
        ndarray of float64 or DataFrame, ``n`` rows
            The result; a DataFrame after ``set_output(transform="pandas")``.

        Raises
        ------
        ValueError
            If the columns differ from those of ``fit``.
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        """
        check_is_fitted(self)
        matrix = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        return self._apply(matrix)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that ``transform`` gives.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names of the columns of the input. Default: those that ``fit`` saw, else x0, x1, ….

        Returns
        -------
        ndarray of object
            Names, one for each column.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        """
        check_is_fitted(self)
        if input_features is None:
            input_features = self._names_in()
        return np.asarray(self._names_out(list(input_features)), dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "_fitted", False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        """Set the learned state; ``fit`` calls it."""

    def _apply(self, matrix: Matrix) -> Matrix:
        raise NotImplementedError

    def _names_out(self, names: list[str]) -> list[str]:
        return names

    def _names_in(self) -> list[str]:
        known = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if known is None else list(known)

    def _require(self, parameter: str, passes: bool, expectation: str) -> None:
        """Refuse an impossible parameter, with its name, its value and what was expected."""
        if not passes:
            value = getattr(self, parameter)
            raise ValueError(
                f"{type(self).__name__}: {parameter} is {value!r}; expected {expectation}"
            )

    def _positions(self, columns: Columns) -> NDArray[np.intp]:
        """Return the positions of ``columns``, given by name or position; None means all."""
        if columns is None:
            return np.arange(self.n_features_in_)
        names = self._names_in()
        places = {name: j for j, name in enumerate(names)}
        return np.array([self._place(c, places) for c in columns], dtype=np.intp)

    def _place(self, column: str | int, places: dict[str, int]) -> int:
        if isinstance(column, str):
            if column not in places:
                near = nearest(column, tuple(places))
                hint = f"; did you mean {near!r}?" if near else ""
                raise ValueError(
                    f"{type(self).__name__}: column {column!r} is not in the matrix{hint}"
                )
            return places[column]
        if not 0 <= column < self.n_features_in_:
            raise ValueError(
                f"{type(self).__name__}: column {column} is not in a matrix of "
                f"{self.n_features_in_} columns"
            )
        return int(column)
