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
    """Base of the steps that take a numeric matrix (array or DataFrame), NaN meaning unknown.

    Subclasses learn in ``_learn`` and compute in ``_apply``; both get a double matrix.
    """

    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Self:
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self._learn(matrix, None if y is None else np.asarray(y, np.float64))
        self._fitted = True
        return self

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        matrix = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        return self._apply(matrix)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
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
        """Set the learned state; called by fit."""

    def _apply(self, matrix: Matrix) -> Matrix:
        raise NotImplementedError

    def _names_out(self, names: list[str]) -> list[str]:
        return names

    def _names_in(self) -> list[str]:
        known = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if known is None else list(known)

    def _require(self, parameter: str, passes: bool, expectation: str) -> None:
        """Refuse an impossible ``parameter``, naming it, its value and what was expected."""
        if not passes:
            value = getattr(self, parameter)
            raise ValueError(
                f"{type(self).__name__}: {parameter} is {value!r}; expected {expectation}"
            )

    def _positions(self, columns: Columns) -> NDArray[np.intp]:
        """Positions of ``columns``, given by name or position; None means all."""
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
