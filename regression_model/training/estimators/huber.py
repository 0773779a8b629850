"""Linear models that a few sales far from the rest cannot bend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.utils.validation import column_or_1d

ROUNDS = 5
EFFICIENCY = 1.345  # in scales: 95% as efficient as least squares where errors are normal
TO_DEVIATION = 1.4826  # of the median absolute residual, where errors are normal


class _HuberLoss:
    """Give a linear model Huber's loss in place of squared error."""

    predict: Callable[[Any], Any]

    def fit(self, X: Any, y: Any) -> Self:
        """Fit by iteratively reweighted least squares.

        Parameters
        ----------
        X : array-like of shape (n, columns)
            Columns, scaled alike.
        y : array-like of shape (n,)
            Target.

        Returns
        -------
        Self
            The fitted model.

        Raises
        ------
        ValueError
            If ``X`` or ``y`` is not finite, or their lengths differ.
        """
        model: Any = super()
        _fit_reweighted(model.fit, self.predict, X, y)
        return self

    def __sklearn_tags__(self) -> Any:
        model: Any = super()
        tags = model.__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.target_tags.single_output = True
        return tags


class HuberElasticNet(_HuberLoss, ElasticNet):  # type: ignore[misc]  # scikit-learn has no types
    """Fit an elastic net that a few distant rows cannot bend.

    Parameters
    ----------
    alpha, l1_ratio, max_iter, …
        Those of :class:`sklearn.linear_model.ElasticNet`.
    """


class HuberRidge(_HuberLoss, Ridge):  # type: ignore[misc]  # scikit-learn has no types
    """Fit a ridge regression that a few distant rows cannot bend.

    Parameters
    ----------
    alpha, max_iter, …
        Those of :class:`sklearn.linear_model.Ridge`.
    """


def _fit_reweighted(fit: Callable[..., Any], predict: Callable[[Any], Any], X: Any, y: Any) -> None:
    """Fit by iteratively reweighted least squares.

    A row whose residual is more than ``EFFICIENCY`` scales counts in inverse proportion to it (P.
    Huber, Annals of Mathematical Statistics 35, 1964; weights and tuning: P. Holland and R. Welsch,
    Communications in Statistics A6, 1977). The scale is that of the median absolute residual.
    """
    target = column_or_1d(y, warn=True)
    fit(X, target)
    for _ in range(ROUNDS):
        residual = np.abs(target - predict(X))
        reach = EFFICIENCY * TO_DEVIATION * np.median(residual)
        if reach == 0:  # half of the rows are met exactly
            return
        fit(X, target, sample_weight=reach / np.maximum(residual, reach))
