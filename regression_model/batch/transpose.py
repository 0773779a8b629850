"""A graph of matrix operations turned on its side: features down, rows across.

Serving has one row and needs few nodes; a table has thousands, and there a column that lies in one
piece is selected, joined and looked up many times faster. The same kernels run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_BY_ELEMENT = frozenset(
    {"Abs", "Add", "And", "Cast", "Clip", "Div", "Equal", "Exp", "Greater", "GreaterOrEqual"}
    | {"Identity", "IsNaN", "Less", "LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Or"}
    | {"Pow", "Sqrt", "Sub", "Sum", "Where"}
)
_REDUCTIONS = frozenset({"ReduceSum", "ReduceSumSquare", "ReduceMax", "ReduceMin", "ReduceMean"})


class CannotTranspose(Exception):
    """The graph has a node whose transpose is not known here."""


def transposed(
    nodes: Iterable[onnx.NodeProto], constants: Iterable[onnx.TensorProto]
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The nodes and constants that compute each matrix's transpose under the matrix's name.

    Raises :class:`CannotTranspose`.
    """
    turner = _Turner({value.name: numpy_helper.to_array(value) for value in constants})
    for node in nodes:
        turner.turn(node)
    return turner.nodes, [
        numpy_helper.from_array(array, name) for name, array in turner.constants.items()
    ]


class _Turner:
    """Collects turned nodes and the constants they read."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._arrays = arrays
        self._stacks: set[str] = set()  # values of three dimensions: for each row, a matrix

    def turn(self, node: onnx.NodeProto) -> None:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        ranks = [self._rank(name) for name in node.input]
        kind, axis = node.op_type, attributes.get("axis", 0)
        if kind in _BY_ELEMENT and 3 not in ranks:
            self._add(node, [self._standing(name) for name in node.input], attributes)
        elif kind == "Gather" and axis == 0 and node.input[0] in self._arrays:
            self._look_up(node, attributes, ranks)
        elif kind == "Gather" and axis == 1 and ranks == [2, 1]:
            given = [self._standing(node.input[0]), self._as_it_is(node.input[1])]
            self._add(node, given, attributes | {"axis": 0})
        elif kind in ("Concat", "GatherElements") and set(ranks) == {2}:
            given = [self._standing(name) for name in node.input]
            self._add(node, given, attributes | {"axis": 1 - axis})
        elif kind == "MatMul" and ranks == [2, 2]:
            self._add(node, [self._standing(name) for name in reversed(node.input)], attributes)
        elif kind == "Gemm":
            self._multiply(node, attributes)
        elif kind in _REDUCTIONS and self._sums_features(node):
            self._reduce(node, attributes, ranks[0])
        else:
            raise CannotTranspose(f"{kind} ({node.output[0]})")

    def _look_up(self, node: onnx.NodeProto, attributes: dict[str, Any], ranks: list[int]) -> None:
        if ranks[1] != 2 or ranks[0] > 2:
            raise CannotTranspose(f"Gather ({node.output[0]})")
        if ranks[0] == 2:
            self._stacks.add(node.output[0])
        self._add(node, [self._as_it_is(node.input[0]), self._standing(node.input[1])], attributes)

    def _multiply(self, node: onnx.NodeProto, attributes: dict[str, Any]) -> None:
        first, second, *added = (self._standing(name) for name in node.input)
        sides = {"transA": attributes.get("transB", 0), "transB": attributes.get("transA", 0)}
        self._add(node, [second, first, *added], attributes | sides)

    def _reduce(self, node: onnx.NodeProto, attributes: dict[str, Any], rank: int) -> None:
        kept = attributes.get("keepdims", 1)
        given = [self._standing(node.input[0]), self._constant("axis.0", np.array([0], np.int64))]
        if rank == 2 and kept:
            self._add(node, given, attributes)
        elif rank == 3 and not kept:  # (features, n, sums), to (n, sums), to (sums, n)
            between = f"{node.output[0]}.rows"
            self.nodes.append(helper.make_node(node.op_type, given, [between], **attributes))
            self.nodes.append(helper.make_node("Transpose", [between], list(node.output)))
        else:
            raise CannotTranspose(f"{node.op_type} ({node.output[0]})")

    def _sums_features(self, node: onnx.NodeProto) -> bool:
        axes = self._arrays.get(node.input[1]) if len(node.input) == 2 else None
        return axes is not None and axes.tolist() == [1]

    def _add(self, node: onnx.NodeProto, given: list[str], attributes: dict[str, Any]) -> None:
        self.nodes.append(
            helper.make_node(
                node.op_type, given, list(node.output), domain=node.domain, **attributes
            )
        )

    def _rank(self, name: str) -> int:
        if name in self._arrays:
            return self._arrays[name].ndim
        return 3 if name in self._stacks else 2

    def _standing(self, name: str) -> str:
        """``name`` itself, or the transpose of the constant: one of features is a column."""
        if name not in self._arrays:
            return name
        array = self._arrays[name]
        return self._constant(f"{name}.standing", array.T if array.ndim != 1 else array[:, None])

    def _as_it_is(self, name: str) -> str:
        if name not in self._arrays:
            raise CannotTranspose(f"indices that are computed ({name})")
        return self._constant(name, self._arrays[name])

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants[name] = np.asarray(array, order="C")
        return name
