"""The compiled graph with trees that read each column as it is, never its negative.

For a single house the sides of a split are exchanged so that most houses go the same way, by
comparing -x. By columns that only costs: twice the columns, and comparisons that no longer agree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

Nodes = dict[str, onnx.NodeProto]  # by their output


class _Part(NamedTuple):
    """A tensor, or its negative, among those that a matrix is joined from."""

    tensor: str
    negative: bool


def without_negatives(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` in which no tree compares a negative, and none is computed for it."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    made = {node.output[0]: node for node in model.graph.node}
    widths = _widths(model)
    nodes: list[onnx.NodeProto] = []
    for node in plain.graph.node:
        parts = _parts(node.input[0], made) if node.op_type == "TreeEnsemble" else []
        kept = [part.tensor for part in parts if not part.negative]
        if len(kept) < len(parts) and {part.tensor for part in parts} == set(kept):
            node.input[0] = kept[0]
            if len(kept) > 1:
                node.input[0] = f"{node.output[0]}.matrix"
                nodes.append(helper.make_node("Concat", kept, [node.input[0]], axis=1))
            _turn_back(node, *_columns(parts, widths))
        nodes.append(node)
    del plain.graph.node[:]
    plain.graph.node.extend(_needed(nodes, {value.name for value in model.graph.output}))
    return plain


def _widths(model: onnx.ModelProto) -> dict[str, int]:
    """The number of columns of each matrix that is computed."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    shapes = {v.name: v.type.tensor_type.shape.dim for v in (*graph.value_info, *graph.output)}
    return {name: dims[1].dim_value for name, dims in shapes.items() if len(dims) == 2}


def _parts(tensor: str, made: Nodes) -> list[_Part]:
    """What ``tensor`` is joined from; what holds no negative stays in one piece."""
    node = made.get(tensor)
    if node is not None and node.op_type == "Neg":
        return [_Part(node.input[0], negative=True)]
    if node is not None and node.op_type == "Concat":
        parts = [part for name in node.input for part in _parts(name, made)]
        if any(part.negative for part in parts):
            return parts
    return [_Part(tensor, negative=False)]


def _columns(
    parts: list[_Part], widths: dict[str, int]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """By column of the joined ``parts``: its place among those kept, and whether it is negative."""
    kept = [part.tensor for part in parts if not part.negative]
    starts = np.cumsum([0, *(widths[tensor] for tensor in kept)])
    first = dict(zip(kept, starts.tolist(), strict=False))
    places = [first[part.tensor] + np.arange(widths[part.tensor]) for part in parts]
    negative = [np.full(widths[part.tensor], part.negative) for part in parts]
    return np.concatenate(places), np.concatenate(negative)


def _turn_back(node: onnx.NodeProto, places: NDArray[np.intp], negative: NDArray[np.bool_]) -> None:
    """Let the trees of ``node`` read ``places``: -x <= t where not x <= the number below -t."""
    table = {attribute.name: attribute for attribute in node.attribute}
    feature = np.array(table["nodes_featureids"].ints)
    turned = negative[feature]
    split = numpy_helper.to_array(table["nodes_splits"].t)
    split = np.where(turned, np.nextafter(-split, -np.inf), split)
    changed: dict[str, Any] = {
        "nodes_featureids": places[feature].tolist(),
        "nodes_splits": numpy_helper.from_array(split),
    }
    for kind in ("nodeids", "leafs"):
        sides = [f"nodes_{side}{kind}" for side in ("true", "false")]
        true, false = (np.array(table[name].ints) for name in sides)
        for name, given in zip(
            sides,
            (np.where(turned, false, true), np.where(turned, true, false)),
            strict=True,
        ):
            changed[name] = given.tolist()
    for name, given in changed.items():
        table[name].CopyFrom(helper.make_attribute(name, given))


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes that ``wanted`` values come from, in order."""
    found = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.append(node)
    return found[::-1]
