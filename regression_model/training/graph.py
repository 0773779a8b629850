"""A small builder of ONNX graphs, and the registry of converters.

Why not a general converter: the ones that exist emit single-precision trees and sums where a
price needs double, or fail on blends in double. Every step here is a matrix operation, so a
converter is a handful of nodes; each stands beside the estimator that it mirrors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Operations whose result has the columns of the widest input.
_KEEP_WIDTH = frozenset(
    {"Abs", "Add", "Cast", "Div", "Equal", "Exp", "Greater", "GreaterOrEqual", "IsNaN", "Less"}
    | {"LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Pow", "Sub", "Where"}
)
OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10

Columns = tuple[tuple[str, int], ...]


class GraphBuilder:
    """Collects nodes and constants; values are named by the builder and passed as strings.

    Matrices are double, shape ``(n, columns)``, unless an operation says otherwise. Selecting and
    joining columns costs nothing until a node needs the result: such a name is a view, a list of
    columns of computed matrices, and only views that are used become nodes.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[bytes, onnx.TensorProto] = {}
        self._widths: dict[str, int] = {}
        self._views: dict[str, Columns] = {}
        self._computed: dict[Columns, str] = {}

    def source(self, name: str, columns: int) -> str:
        """The graph's input ``name``, of so many columns."""
        self._widths[name] = columns
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of ``kind`` and return the name of its single output."""
        given = [self._compute(value) for value in inputs]
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, given, [name], domain=domain, **attributes))
        if kind in _KEEP_WIDTH and all(value in self._widths for value in given):
            self._widths[name] = max(self._widths[value] for value in given)
        elif kind == "MatMul" and given[1] in self._widths:
            self._widths[name] = self._widths[given[1]]
        return name

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """The name of a constant tensor; equal constants are stored once."""
        array = np.ascontiguousarray(values, dtype=dtype)
        key = repr((array.dtype, array.shape)).encode() + array.tobytes()
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._constants[key] = numpy_helper.from_array(array, name)
            if array.ndim == 2:
                self._widths[name] = array.shape[1]
        return self._constants[key].name

    def columns(self, x: str, positions: Sequence[int] | NDArray[np.intp]) -> str:
        """Select columns of ``x``, in the given order."""
        if x in self._views:
            return self._view(tuple(self._views[x][j] for j in positions))
        return self._view(tuple((x, int(j)) for j in positions))

    def append(self, *blocks: str) -> str:
        """Set matrices side by side."""
        if all(block in self._views or block in self._widths for block in blocks):
            return self._view(tuple(c for block in blocks for c in self._columns_of(block)))
        return blocks[0] if len(blocks) == 1 else self.op("Concat", *blocks, axis=1)

    def replace(self, x: str, width: int, positions: NDArray[np.intp], block: str) -> str:
        """``x`` of ``width`` columns, with those at ``positions`` replaced by ``block``'s."""
        order = np.arange(width)
        order[positions] = width + np.arange(len(positions))
        return self.columns(self.append(x, block), order)

    def _columns_of(self, x: str) -> Columns:
        return self._views.get(x) or tuple((x, j) for j in range(self._widths[x]))

    def _view(self, columns: Columns) -> str:
        name = f"view{len(self._views)}"
        self._views[name] = columns
        self._widths[name] = len(columns)
        return name

    def _compute(self, x: str) -> str:
        """The matrix that ``x`` stands for: itself, or nodes that join and select its columns."""
        if x not in self._views:
            return x
        columns = self._views[x]
        if columns not in self._computed:
            sources = list(dict.fromkeys(source for source, _ in columns))
            known = [source for source in sources if source in self._widths]
            joined = tuple(column for source in known for column in self._columns_of(source))
            self._computed[columns] = self._selected(columns, sources, joined)
        return self._computed[columns]

    def _selected(self, columns: Columns, sources: list[str], joined: Columns) -> str:
        if len(sources) == 1:
            whole = sources[0]
        elif joined in self._computed:
            whole = self._computed[joined]
        else:
            whole = self._computed[joined] = self.op("Concat", *sources, axis=1)
            self._widths[whole] = len(joined)
        if columns == joined:
            return whole
        places = {column: place for place, column in enumerate(joined)}
        chosen = [places.get(column, column[1]) for column in columns]
        result = self.op("Gather", whole, self.constant(chosen, np.int64), axis=1)
        self._widths[result] = len(columns)
        return result

    def cast(self, x: str, kind: int) -> str:
        return self.op("Cast", x, to=kind)

    def to_float32(self, x: str) -> str:
        """Round to single precision, and back to double, as estimators do that store float32."""
        return self.cast(self.cast(x, TensorProto.FLOAT), TensorProto.DOUBLE)

    def lookup(self, codes: str, tables: Sequence[NDArray[np.float64]]) -> str:
        """Replace the code in column j of ``codes`` by ``tables[j][code]``."""
        starts = np.cumsum([0, *(len(table) for table in tables[:-1])])
        index = self.op("Add", codes, self.constant(starts.astype(float)[None, :]))
        entries = self.constant(np.concatenate(tables))
        found = self.op("Gather", entries, self.cast(index, TensorProto.INT64))
        self._widths[found] = len(tables)
        return found

    def finish(self, *, source: str, columns: int, results: dict[str, str]) -> bytes:
        """The serialised model: float input ``source``, shape (n, columns); double results."""
        outputs = [
            helper.make_node("Identity", [self._compute(value)], [name])
            for name, value in results.items()
        ]
        graph = helper.make_graph(
            [*self._nodes, *outputs],
            "regression_model",
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(k, TensorProto.DOUBLE, ["n", 1]) for k in results],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


@singledispatch
def convert(estimator: Any, graph: GraphBuilder, x: str) -> str:
    """Add the fitted ``estimator`` to ``graph``, reading the matrix ``x``; return its output."""
    raise TypeError(
        f"there is no ONNX converter for {type(estimator).__name__}; register one with "
        "regression_model.training.graph.convert beside the estimator"
    )
