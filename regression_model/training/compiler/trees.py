"""Boosted trees as arrays, and the ONNX operator that runs them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

from regression_model.training.compiler.graph import GraphBuilder

_LESS_OR_EQUAL, _SUM, _NO_TRANSFORM = 0, 1, 0


class Tree(NamedTuple):
    """A decision tree as parallel arrays over its nodes; node 0 is the root.

    Go to ``left`` where ``x[feature] <= threshold``; a node without children (``left`` < 0) is a
    leaf worth ``value``. ``rows`` counts the rows of training that came by.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]
    rows: NDArray[np.intp]


# The split for a tree without one, because the operator needs a split: it adds nothing.
_ONE_SPLIT = Tree(
    feature=np.zeros(3, np.intp),
    threshold=np.zeros(3),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    value=np.zeros(3),
    rows=np.zeros(3, np.intp),
)


def trees_of(estimator: Any) -> list[Tree]:
    """The trees of a fitted boosted ensemble, leaves scaled so that their sum is the prediction."""
    if isinstance(estimator, GradientBoostingRegressor):
        return [
            _from_cart(tree.tree_, estimator.learning_rate) for tree in estimator.estimators_[:, 0]
        ]
    if isinstance(estimator, HistGradientBoostingRegressor):
        return [_from_histogram(stage[0].nodes) for stage in estimator._predictors]  # noqa: SLF001  # not public
    return []


def _from_cart(tree: Any, scale: float) -> Tree:
    return Tree(
        feature=tree.feature,
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        value=scale * tree.value[:, 0, 0],
        rows=tree.n_node_samples,
    )


def _from_histogram(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        left=np.where(leaf, -1, nodes["left"].astype(np.intp)),
        right=np.where(leaf, -1, nodes["right"].astype(np.intp)),
        value=nodes["value"],
        rows=nodes["count"],
    )


def before_rounding(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
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


def ensemble(graph: GraphBuilder, x: str, trees: Iterable[Tree], base: float) -> str:
    """The sum of ``trees`` and ``base``.

    The leaves of the first tree with a split take in the base, and the trees that are one leaf.
    """
    every = list(trees)
    base += sum(tree.value[0] for tree in every if len(tree.left) == 1)
    grown = [tree for tree in every if len(tree.left) > 1] or [_ONE_SPLIT]
    grown[0] = grown[0]._replace(value=base + grown[0].value)
    matrix, grown = _read_where_they_are(graph, x, grown)
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
    return graph.op(
        "TreeEnsemble",
        matrix,
        domain="ai.onnx.ml",
        width=1,
        n_targets=1,
        aggregate_function=_SUM,
        post_transform=_NO_TRANSFORM,
        tree_roots=roots[:-1].tolist(),
        nodes_featureids=_gathered([tree.feature for tree in grown], inner).tolist(),
        nodes_splits=numpy_helper.from_array(splits.astype(np.float64)),
        nodes_modes=numpy_helper.from_array(np.full(len(splits), _LESS_OR_EQUAL, np.uint8)),
        nodes_truenodeids=children["true"],
        nodes_falsenodeids=children["false"],
        nodes_trueleafs=is_leaf["true"],
        nodes_falseleafs=is_leaf["false"],
        leaf_targetids=[0] * len(weights),
        leaf_weights=numpy_helper.from_array(weights.astype(np.float64)),
    )


def _read_where_they_are(graph: GraphBuilder, x: str, trees: list[Tree]) -> tuple[str, list[Tree]]:
    """A matrix, and the trees with the places in it where they find their columns of ``x``.

    Most rows go right: a processor guesses that side when it has learned it, and ONNX Runtime
    keeps it next to the node.
    """
    used = np.unique(np.concatenate([tree.feature[tree.left >= 0] for tree in trees]))
    matrix, places, opposites = graph.read_signed(graph.columns(x, used))
    found = [tree._replace(feature=np.searchsorted(used, tree.feature)) for tree in trees]
    return matrix, [_most_go_right(tree, np.array(places), np.array(opposites)) for tree in found]


def _most_go_right(tree: Tree, places: NDArray[np.intp], opposites: NDArray[np.intp]) -> Tree:
    """The same tree, reading ``places``; where more went left, ``-x`` with its sides exchanged."""
    inner = tree.left >= 0
    feature = np.where(inner, tree.feature, 0)
    turned = inner & (tree.rows[tree.left] > tree.rows[tree.right]) & (opposites[feature] >= 0)
    return tree._replace(
        feature=np.where(turned, opposites[feature], places[feature]),
        threshold=np.where(turned, np.nextafter(-tree.threshold, -np.inf), tree.threshold),
        left=np.where(turned, tree.right, tree.left),
        right=np.where(turned, tree.left, tree.right),
    )


def _gathered(arrays: list[Any], chosen: list[NDArray[np.intp]]) -> Any:
    return np.concatenate([array[nodes] for array, nodes in zip(arrays, chosen, strict=True)])
