"""How hard a house is to value, learned from the errors of models that had not seen it.

Difficulty is the expected size of the error: the quantile, at the config's coverage, of the
absolute difference between the logarithms of price and estimate, given what is known of the house
(quantile regression: R. Koenker and G. Bassett, Econometrica 46, 1978; as the scale of a conformal
score: Y. Romano, E. Patterson and E. Candès, NeurIPS 2019). It sees the prepared columns, which
fields are unknown and how many, the estimate, and how far the members of the blend lie apart.

Sales are recorded almost completely, so their errors say nothing about a house with few known
fields. Each sale is therefore also judged in copies with fields hidden at random.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.pipeline import Pipeline

from regression_model.config.spec import Spec
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.estimators.blend import spread_nodes

FLOOR = 0.01  # no house is easier than this: a leaf may not promise a range of no width

Column = NDArray[np.float64]


class DifficultyRegressor(GradientBoostingRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Predict a quantile by boosted trees; no prediction falls below ``FLOOR``.

    Parameters
    ----------
    n_estimators, learning_rate, loss, alpha, random_state, …
        Those of :class:`sklearn.ensemble.GradientBoostingRegressor`.
    """

    def predict(self, X: Any) -> Column:
        """Predict difficulty.

        Parameters
        ----------
        X : array-like of shape (n, columns)
            What :func:`difficulty_features` returns.

        Returns
        -------
        ndarray of float64, shape (n,)
            Difficulty, at least ``FLOOR``; the half width of a range is multiplied by it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If ``fit`` was not called.
        """
        return cast(Column, np.maximum(super().predict(X), FLOOR))


def build_difficulty(spec: Spec) -> DifficultyRegressor | None:
    """Return the unfitted estimator of the config; None if every house is equally hard."""
    if spec.difficulty is None:
        return None
    chosen = {"random_state": spec.seed, **spec.difficulty.hyperparameters}
    return DifficultyRegressor(**chosen, loss="quantile", alpha=spec.coverage)


def difficulty_features(pipeline: Pipeline, encoded: pd.DataFrame) -> NDArray[np.float64]:
    """Return the columns from which difficulty is predicted, shape ``(n, columns)``.

    ``encoded`` is the output of the first step. The columns are: those that the fitted ``pipeline``
    prepares, a flag for each unknown input, their number, the distance between the members, log
    price.
    """
    prepared = pipeline[1:-1].transform(encoded)
    blend = pipeline[-1].regressor_
    members = blend.member_predictions(prepared)
    unknown = np.isnan(encoded.to_numpy(np.float64))
    return np.column_stack(
        [
            prepared.to_numpy(np.float64),
            unknown,
            unknown.sum(axis=1),
            members.max(axis=1) - members.min(axis=1),
            blend.combine(members),
        ]
    )


def predict_difficulty(
    difficulty: DifficultyRegressor | None, pipeline: Pipeline, encoded: pd.DataFrame
) -> Column:
    """Return the difficulty of each row of ``encoded``, shape ``(n,)``; 1 if it was not learned."""
    if difficulty is None:
        return np.ones(len(encoded))
    return difficulty.predict(difficulty_features(pipeline, encoded))


def hide_fields(spec: Spec, encoded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return a copy with fields made unknown: in each row a random share, never required fields."""
    may_hide = np.array([not f.required for f in spec.inputs])
    share = rng.uniform(size=(len(encoded), 1))
    return encoded.mask((rng.uniform(size=encoded.shape) < share) & may_hide)


def difficulty_nodes(
    difficulty: DifficultyRegressor | None,
    graph: GraphBuilder,
    *,
    source: str,
    prepared: str,
    apart: str,
    log_price: str,
) -> str:
    """Return the graph's twin of :func:`predict_difficulty`.

    ``source`` is the matrix of inputs; ``apart`` says how far the members of the blend lie from a
    common point.
    """
    if difficulty is None:
        return graph.op("Expand", graph.constant([[1.0]]), graph.op("Shape", log_price))
    unknown = graph.unknown(source)
    every = graph.constant([1], np.int64)
    count = graph.op("ReduceSum", unknown, every, keepdims=1, width=1)
    features = graph.append(prepared, unknown, count, spread_nodes(graph, apart), log_price)
    return graph.op("Max", convert(difficulty, graph, features), graph.constant([[FLOOR]]))
