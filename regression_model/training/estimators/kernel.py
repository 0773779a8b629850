"""Prices by likeness: each house is valued by how near it lies to landmarks among the sales."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.estimators.huber import HuberElasticNet, HuberRidge


class LandmarkKernelRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Value a house by its likeness to landmark sales: ridge regression on a Gaussian kernel.

    Columns are multiplied by the absolute coefficient of an elastic net, raised to ``power``, so
    that columns of noise do not count as likeness. They are then projected on ``components`` axes
    with a total variance of 1. The kernel ``exp(-gamma * distance^2)`` is approximated from
    landmarks drawn at random (C. Williams and M. Seeger, NIPS 13, 2000). Both regressions use
    Huber's loss. Far from all landmarks the prediction is the intercept.

    Parameters
    ----------
    relevance : float, default 0.0015
        Penalty of the elastic net.
    power : float, default 0.5
        Exponent of its coefficients.
    components : int, default 40
        Number of axes.
    landmarks : int, default 300
        Number of landmark sales.
    gamma : float, default 0.15
        How fast likeness falls with the squared distance.
    alpha : float, default 0.01
        Penalty of the ridge regression on the kernel.
    random_state : int, optional
        Seed for drawing landmarks.

    Attributes
    ----------
    projection_ : ndarray of float64, shape (columns, components)
        Stretches and projects the columns.
    offset_ : ndarray of float64, shape (components,)
        Is added after the projection.
    landmarks_ : ndarray of float64, shape (landmarks, components)
        The projected landmarks.
    weights_ : ndarray of float64, shape (landmarks,)
        Weight of the likeness to each landmark.
    intercept_ : float
        Prediction far from all landmarks.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "relevance": [Interval(Real, 0, None, closed="neither")],
        "power": [Interval(Real, 0, None, closed="left")],
        "components": [Interval(Integral, 1, None, closed="left")],
        "landmarks": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        relevance: float = 0.0015,
        power: float = 0.5,
        components: int = 40,
        landmarks: int = 300,
        gamma: float = 0.15,
        alpha: float = 0.01,
        random_state: int | None = None,
    ) -> None:
        self.relevance = relevance
        self.power = power
        self.components = components
        self.landmarks = landmarks
        self.gamma = gamma
        self.alpha = alpha
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from columns that are scaled alike.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Finite numbers; at least two rows.
        y : array-like of shape (n,)
            Target.

        Returns
        -------
        Self
            The fitted regressor.

        Raises
        ------
        ValueError
            If a parameter is impossible, a value is not finite, or there are fewer than two rows.
        """
        self._validate_params()
        matrix = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        target = column_or_1d(y, warn=True).astype(np.float64)
        stretch = self._stretch(matrix, target)
        useful = np.flatnonzero(stretch)
        stretched = matrix[:, useful] * stretch[useful]
        count = min(self.components, len(useful), len(matrix) - 1)
        axes = PCA(count, svd_solver="full").fit(stretched)
        size = np.sqrt(axes.explained_variance_.sum()) or 1.0
        self.projection_ = np.zeros((matrix.shape[1], count))
        self.projection_[useful] = stretch[useful, None] * axes.components_.T / size
        self.offset_ = -(axes.mean_ @ axes.components_.T) / size
        self._learn(self._project(matrix), target)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Finite numbers, in the columns that ``fit`` saw.

        Returns
        -------
        ndarray of float64, shape (n,)
            Predictions, in units of the target.

        Raises
        ------
        ValueError
            If the columns differ from those of ``fit``, or a value is not finite.
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        """
        check_is_fitted(self)
        matrix = validate_data(self, X, dtype=np.float64, reset=False)
        likeness = np.exp(self._exponents(self._project(matrix)))
        return np.asarray(likeness @ self.weights_ + self.intercept_)

    def _stretch(self, matrix: Any, target: Any) -> NDArray[np.float64]:
        net = HuberElasticNet(alpha=self.relevance, max_iter=20_000).fit(matrix, target)
        worth: NDArray[np.float64] = np.abs(net.coef_) ** self.power
        return worth if worth.any() else np.ones_like(worth)

    def _learn(self, projected: Any, target: Any) -> None:
        kernel = Nystroem(
            gamma=self.gamma,
            n_components=min(self.landmarks, len(projected)),
            random_state=self.random_state,
        ).fit(projected)
        ridge = HuberRidge(alpha=self.alpha).fit(kernel.transform(projected), target)
        self.landmarks_ = kernel.components_
        self.weights_ = kernel.normalization_.T @ ridge.coef_
        self.intercept_ = float(ridge.intercept_)

    def _project(self, matrix: Any) -> Any:
        return matrix @ self.projection_ + self.offset_

    def _exponents(self, projected: Any) -> Any:
        """Return ``-gamma * distance^2`` to each landmark, by the terms of the compiled twin."""
        own = self.gamma * np.sum(projected**2, axis=1, keepdims=True)
        theirs = self.gamma * np.sum(self.landmarks_**2, axis=1)
        return projected @ (2 * self.gamma * self.landmarks_.T) - theirs - own


@convert.register
def _(model: LandmarkKernelRegressor, graph: GraphBuilder, x: str) -> str:
    root, landmarks = np.sqrt(model.gamma), model.landmarks_
    projected = graph.sums(x, root * model.projection_, root * model.offset_)
    second = graph.constant([1], np.int64)
    own = graph.op("ReduceSumSquare", projected, second, keepdims=1, width=1)
    theirs = model.gamma * np.sum(landmarks**2, axis=1)
    products = graph.sums(projected, 2 * root * landmarks.T, -theirs)
    likeness = graph.op("Exp", graph.op("Sub", products, own))
    return graph.sums(likeness, model.weights_[:, None], model.intercept_)
