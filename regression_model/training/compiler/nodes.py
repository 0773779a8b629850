"""ONNX nodes and constants, collected one by one and made into a model at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Operations whose result has the columns of the widest input.
_KEEP_WIDTH = frozenset(
    {"Abs", "Add", "And", "Cast", "Clip", "Div", "Equal", "Exp", "Greater", "GreaterOrEqual"}
    | {"IsNaN", "Less", "LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Pow", "Sub"}
    | {"Sum", "Where"}
)
OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10


class Nodes:
    """Tensors by name, each made by a node; ``widths`` holds the number of columns where known."""

    def __init__(self) -> None:
        self.widths: dict[str, int] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[bytes, onnx.TensorProto] = {}
        self._made: dict[Any, str] = {}

    def add(
        self,
        kind: str,
        inputs: list[str],
        *,
        width: int | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """The name of the single output of a node of ``kind``; an equal node is made once.

        ``width`` is the number of its columns, where the kind does not tell.
        """
        # Nodes of other domains hold whole forests, which are never equal.
        key = len(self._nodes) if domain else (kind, *inputs, repr(attributes))
        if key not in self._made:
            name = self._made[key] = f"v{len(self._nodes)}"
            self._nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
            width = self._width(kind, inputs) if width is None else width
            if width is not None:
                self.widths[name] = width
        return self._made[key]

    def _width(self, kind: str, inputs: list[str]) -> int | None:
        widths = [self.widths.get(name) for name in inputs if name]
        if kind in _KEEP_WIDTH:
            return max((w for w in widths if w is not None), default=None) if all(widths) else None
        return widths[1] if kind in ("MatMul", "Gemm") else None

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """The name of a constant tensor; equal constants are stored once."""
        array = np.asarray(values, dtype=dtype, order="C")
        key = repr((array.dtype, array.shape)).encode() + array.tobytes()
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._constants[key] = numpy_helper.from_array(array, name)
            if array.ndim in (0, 2):
                self.widths[name] = array.shape[1] if array.ndim else 1
        return self._constants[key].name

    def model(self, *, source: str, columns: int, results: dict[str, str]) -> bytes:
        """The serialised model: float input ``source``, shape (n, columns); double results.

        ``results`` maps the name of a result to its tensor, of shape (n, 1).
        """
        graph = helper.make_graph(
            [*self._nodes, *self._name_results(results)],
            "regression_model",
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(k, TensorProto.DOUBLE, ["n", 1]) for k in results],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _name_results(self, results: dict[str, str]) -> list[onnx.NodeProto]:
        """Give tensors the names of results, and the nodes needed where a tensor has two names."""
        made = {node.output[0] for node in self._nodes}
        names: dict[str, str] = {}
        copies = []
        for name, tensor in results.items():
            if tensor in made and tensor not in names:
                names[tensor] = name
            else:
                copies.append(helper.make_node("Identity", [names.get(tensor, tensor)], [name]))
        for node in self._nodes:
            for tensors in (node.input, node.output):
                tensors[:] = [names.get(tensor, tensor) for tensor in tensors]
        return copies
