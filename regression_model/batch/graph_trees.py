"""The trees of a graph's node, as complete trees of one depth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from regression_model.batch.trees import Forest

DEEPEST = 6  # complete trees double with each level
_LESS_OR_EQUAL = 0
_PLAIN = {"n_targets": 1, "aggregate_function": 1, "post_transform": 0}  # one target, summed
_TABLES = frozenset(
    {"tree_roots", "nodes_featureids", "nodes_splits", "nodes_modes", "nodes_truenodeids"}
    | {"nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs", "leaf_targetids"}
    | {"leaf_weights"}
)


class _Children(NamedTuple):
    """Where each node leads on one side, and whether that is a leaf."""

    place: NDArray[np.int64]
    is_leaf: NDArray[np.bool_]


def forest_of(node: onnx.NodeProto) -> Forest | None:
    """The trees of a ``TreeEnsemble`` node (ai.onnx.ml 5); None for others and for deep trees."""
    if node.op_type != "TreeEnsemble":
        return None
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if {name: value for name, value in given.items() if name not in _TABLES} != _PLAIN:
        return None
    table = {name: _array(given[name]) for name in _TABLES}
    if (table["nodes_modes"] != _LESS_OR_EQUAL).any():
        return None
    right = _Children(table["nodes_truenodeids"], table["nodes_trueleafs"].astype(bool))
    left = _Children(table["nodes_falsenodeids"], table["nodes_falseleafs"].astype(bool))
    depth = _depth(table["tree_roots"], left, right)
    return None if depth > DEEPEST else _complete(table, left, right, depth)


def _array(value: Any) -> NDArray[Any]:
    tensor = isinstance(value, onnx.TensorProto)
    return numpy_helper.to_array(value) if tensor else np.array(value)


def _depth(roots: NDArray[np.int64], left: _Children, right: _Children) -> int:
    depth, level = 0, roots
    while len(level):
        depth += 1
        inner = [side.place[level][~side.is_leaf[level]] for side in (left, right)]
        level = np.concatenate(inner)
    return depth


def _complete(
    table: dict[str, NDArray[Any]], left: _Children, right: _Children, depth: int
) -> Forest:
    """All trees level by level; below a leaf come copies of it."""
    trees = len(table["tree_roots"])
    feature = np.full((trees, 2**depth - 1), -1, np.intp)
    threshold = np.zeros(feature.shape)
    place = table["tree_roots"].reshape(trees, 1)
    is_leaf = np.zeros(place.shape, bool)
    for level in range(depth):
        here = slice(2**level - 1, 2 ** (level + 1) - 1)
        inner = np.where(is_leaf, 0, place)
        feature[:, here] = np.where(is_leaf, -1, table["nodes_featureids"][inner])
        threshold[:, here] = np.where(is_leaf, 0.0, table["nodes_splits"][inner])
        below = [
            (np.where(is_leaf, place, side.place[inner]), is_leaf | side.is_leaf[inner])
            for side in (left, right)
        ]
        place = np.stack([b[0] for b in below], axis=-1).reshape(trees, -1)
        is_leaf = np.stack([b[1] for b in below], axis=-1).reshape(trees, -1)
    return Forest(feature, threshold, table["leaf_weights"][place])
