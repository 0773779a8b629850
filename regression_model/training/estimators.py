"""ONNX converters of the scikit-learn estimators that a config may name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from regression_model.training.graph import GraphBuilder, convert

_LESS_OR_EQUAL, _SUM, _NO_TRANSFORM = 0, 1, 0


class Tree(NamedTuple):
    """A decision tree as parallel arrays over its nodes; node 0 is the root.

    Go to ``left`` where ``x[feature] <= threshold``; a node without children (``left`` < 0) is a
    leaf worth ``value``.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]


def trees_of(estimator: Any) -> list[Tree]:
    """The trees of a fitted boosted ensemble, leaves scaled so that their sum is the prediction."""
    if isinstance(estimator, GradientBoostingRegressor):
        return [
            _from_cart(tree.tree_, estimator.learning_rate) for tree in estimator.estimators_[:, 0]
        ]
    if isinstance(estimator, HistGradientBoostingRegressor):
        return [_from_histogram(stage[0].nodes) for stage in estimator._predictors]
    return []


def _from_cart(tree: Any, scale: float) -> Tree:
    return Tree(
        tree.feature,
        tree.threshold,
        tree.children_left,
        tree.children_right,
        scale * tree.value[:, 0, 0],
    )


def _from_histogram(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.intp))
    right = np.where(leaf, -1, nodes["right"].astype(np.intp))
    return Tree(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"])


@convert.register
def _(pipeline: Pipeline, graph: GraphBuilder, x: str) -> str:
    for _, step in pipeline.steps:
        x = convert(step, graph, x)
    return x


@convert.register(Lasso)
@convert.register(Ridge)
@convert.register(ElasticNet)
def _(model: Any, graph: GraphBuilder, x: str) -> str:
    return graph.sums(x, model.coef_.reshape(-1, 1), float(model.intercept_))


@convert.register
def _(scaler: StandardScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Div", graph.arithmetic("Sub", x, scaler.mean_), scaler.scale_)


@convert.register
def _(scaler: RobustScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Div", graph.arithmetic("Sub", x, scaler.center_), scaler.scale_)


@convert.register
def _(scaler: MinMaxScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Add", graph.arithmetic("Mul", x, scaler.scale_), scaler.min_)


@convert.register
def _(model: GradientBoostingRegressor, graph: GraphBuilder, x: str) -> str:
    base = 0.0 if isinstance(model.init_, str) else float(np.ravel(model.init_.constant_)[0])
    trees = [t._replace(threshold=_before_rounding(t.threshold)) for t in trees_of(model)]
    return _ensemble(graph, x, trees, base)


@convert.register
def _(model: HistGradientBoostingRegressor, graph: GraphBuilder, x: str) -> str:
    base = float(np.ravel(model._baseline_prediction)[0])
    total = _ensemble(graph, x, trees_of(model), base)
    return graph.op("Exp", total) if model.loss in ("poisson", "gamma") else total


def _before_rounding(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest doubles that single precision rounds to no more than ``thresholds``.

    An estimator that rounds its inputs splits there, seen from the number before rounding. Ties
    go to the even mantissa (IEEE 754, section 4.3.1).
    """
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above.astype(np.float64)) / 2
    even = below.view(np.int32) % 2 == 0
    return np.where(even, middle, np.nextafter(middle, -np.inf))


def _ensemble(graph: GraphBuilder, x: str, trees: Iterable[Tree], base: float) -> str:
    """The sum of ``trees`` and ``base``, which the leaves of the first tree take in."""
    grown = [_with_a_split(tree) for tree in trees]
    grown[0] = grown[0]._replace(value=base + grown[0].value)
    inner = [np.flatnonzero(tree.left >= 0) for tree in grown]
    leaves = [np.flatnonzero(tree.left < 0) for tree in grown]
    roots = np.cumsum([0, *(len(nodes) for nodes in inner)])
    first_leaf = np.cumsum([0, *(len(nodes) for nodes in leaves)])
    children: dict[str, list[int]] = {"true": [], "false": []}
    is_leaf: dict[str, list[int]] = {"true": [], "false": []}
    for k, tree in enumerate(grown):
        place = np.empty(len(tree.left), dtype=int)
        place[inner[k]] = roots[k] + np.arange(len(inner[k]))
        place[leaves[k]] = first_leaf[k] + np.arange(len(leaves[k]))
        for side, child in (("true", tree.left[inner[k]]), ("false", tree.right[inner[k]])):
            children[side] += place[child].tolist()
            is_leaf[side] += (tree.left[child] < 0).astype(int).tolist()
    splits = _gathered([tree.threshold for tree in grown], inner)
    weights = _gathered([tree.value for tree in grown], leaves)
    matrix, features = _read_where_they_are(
        graph, x, _gathered([tree.feature for tree in grown], inner)
    )
    return graph.op(
        "TreeEnsemble",
        matrix,
        domain="ai.onnx.ml",
        width=1,
        n_targets=1,
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
        tree_roots=roots[:-1].tolist(),
        nodes_featureids=features,
        nodes_splits=numpy_helper.from_array(splits.astype(np.float64)),
        nodes_modes=numpy_helper.from_array(np.full(len(splits), _LESS_OR_EQUAL, np.uint8)),
        nodes_truenodeids=children["true"],
        nodes_falsenodeids=children["false"],
        nodes_trueleafs=is_leaf["true"],
        nodes_falseleafs=is_leaf["false"],
        leaf_targetids=[0] * len(weights),
        leaf_weights=numpy_helper.from_array(weights.astype(np.float64)),
    )


def _read_where_they_are(
    graph: GraphBuilder, x: str, features: NDArray[np.intp]
) -> tuple[str, list[int]]:
    """A matrix in which the splits find their columns of ``x``, and each split's place in it."""
    used, which = np.unique(features, return_inverse=True)
    matrix, places = graph.read(graph.columns(x, used))
    return matrix, np.array(places)[which].tolist()


def _gathered(arrays: list[Any], chosen: list[NDArray[np.intp]]) -> Any:
    return np.concatenate([array[nodes] for array, nodes in zip(arrays, chosen, strict=True)])


def _with_a_split(tree: Tree) -> Tree:
    """A tree that is a single leaf, given a split between two copies: the operator wants one."""
    if len(tree.left) > 1:
        return tree
    leaf = tree.value[0]
    return Tree(
        feature=np.zeros(3, np.intp),
        threshold=np.zeros(3),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([0.0, leaf, leaf]),
    )
