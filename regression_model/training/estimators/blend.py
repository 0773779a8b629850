"""Several estimators as one, some of them held near the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import VotingRegressor

from regression_model.training.compiler.graph import GraphBuilder, convert


class LimitedVotingRegressor(VotingRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Predict the weighted mean of several estimators, some of which are held near the others.

    A linear model beside trees gains from its slope between houses; the limit keeps the slope from
    running away on an odd house.

    Parameters
    ----------
    estimators : sequence of (str, estimator)
        The members, with their names.
    weights : sequence of float, optional
        One for each member. Default: equal weights.
    limits : sequence of (float or None), optional
        One for each member: None, or the largest distance of its prediction from the weighted mean
        of the members without a limit, in units of the target. Default: no limits.
    n_jobs : int, optional
        Members that are fitted at a time.
    verbose : bool, default False
        Whether fitting prints progress.

    Attributes
    ----------
    estimators_ : list
        The fitted members.
    """

    def __init__(
        self,
        estimators: Sequence[tuple[str, Any]],
        *,
        weights: Sequence[float] | None = None,
        limits: Sequence[float | None] | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(estimators, weights=weights, n_jobs=n_jobs, verbose=verbose)
        self.limits = limits

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, columns)
            Prepared columns.

        Returns
        -------
        ndarray of float64, shape (n,)
            The weighted mean, in units of the target.

        Raises
        ------
        ValueError
            If every member has a limit.
        """
        return self.combine(self.member_predictions(X))

    def member_predictions(self, X: Any) -> NDArray[np.float64]:
        """Return what each member predicts, before its limit, shape ``(n, members)``."""
        return np.column_stack([np.asarray(member.predict(X)) for member in self.estimators_])

    def combine(self, members: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the prediction from those of the members, shape ``(n,)``."""
        predictions = list(members.T)
        anchor = _weighted_mean([predictions[k] for k in self.free()], self.shares(self.free()))
        for k, limit in enumerate(self.member_limits()):
            if limit is not None:
                predictions[k] = np.clip(predictions[k], anchor - limit, anchor + limit)
        return _weighted_mean(predictions, self.shares(range(len(predictions))))

    def free(self) -> list[int]:
        """Return the positions of the members without a limit; ValueError if there is none."""
        found = [k for k, limit in enumerate(self.member_limits()) if limit is None]
        if not found:
            raise ValueError(
                "LimitedVotingRegressor: limits every member; leave one without a limit"
            )
        return found

    def shares(self, members: Sequence[int] | range) -> list[float]:
        """Return the weights of ``members``, which sum to 1."""
        weights = np.ones(len(self.estimators)) if self.weights is None else self.weights
        chosen = [float(weights[k]) for k in members]
        return [weight / sum(chosen) for weight in chosen]

    def member_limits(self) -> Sequence[float | None]:
        return [None] * len(self.estimators) if self.limits is None else self.limits


def _weighted_mean(values: list[Any], shares: list[float]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.sum(
        [share * value for share, value in zip(shares, values, strict=True)], axis=0
    )
    return total


@convert.register
def _(blend: LimitedVotingRegressor, graph: GraphBuilder, x: str) -> str:
    members = member_nodes(blend, graph, x)
    return combine_nodes(blend, graph, *apart_nodes(blend, graph, members))


def member_nodes(blend: LimitedVotingRegressor, graph: GraphBuilder, x: str) -> list[str]:
    """Return the graph's twin of ``member_predictions``, a column for each member."""
    return [convert(member, graph, x) for member in blend.estimators_]


def apart_nodes(
    blend: LimitedVotingRegressor, graph: GraphBuilder, members: list[str]
) -> tuple[str, str]:
    """Return the mean of the members without a limit, and each member's distance from it."""
    free, weights = blend.free(), np.zeros((len(members), 1))
    weights[free, 0] = blend.shares(free)
    every = graph.append(*members)
    anchor = graph.sums(every, weights) if len(free) > 1 else members[free[0]]
    return anchor, graph.sums(every, np.eye(len(members)) - weights)


def combine_nodes(
    blend: LimitedVotingRegressor, graph: GraphBuilder, anchor: str, apart: str
) -> str:
    """Return the graph's twin of ``combine``, from what :func:`apart_nodes` gives.

    To the mean of the members without a limit comes the weighted mean of how far each member, held
    by its limit, strays from it: those without a limit stray by 0 on average.
    """
    limits = [limit for limit in blend.member_limits() if limit is not None]
    if not limits:
        return anchor
    held = np.array([max(limits) if limit is None else limit for limit in blend.member_limits()])
    counts = np.array([limit is not None for limit in blend.member_limits()])
    shares = (counts * blend.shares(range(len(counts))))[:, None]
    return graph.op("Gemm", graph.clip(apart, -held, held), graph.constant(shares), anchor)


def spread_nodes(graph: GraphBuilder, apart: str) -> str:
    """Return the distance between the largest and the smallest member."""
    second = graph.constant([1], np.int64)
    largest, smallest = (
        graph.op(kind, apart, second, keepdims=1, width=1) for kind in ("ReduceMax", "ReduceMin")
    )
    return graph.op("Sub", largest, smallest)
