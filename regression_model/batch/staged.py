"""The compiled graph for tables: its trees taken out, the rest run by ONNX Runtime in stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, shape_inference

from regression_model.batch.graph_trees import forest_of
from regression_model.batch.signs import without_negatives
from regression_model.batch.transpose import transposed
from regression_model.batch.trees import ForestEvaluator
from regression_model.reading.encoder import Matrix
from regression_model.scorer import INPUT_NAME, OUTPUT_NAMES, open_session

_BLOCK = 16_384  # as many rows as keep the planes of a group of trees in a core's cache
_SLICE = 1024  # as many rows as keep the matrices of a stage there

Values = dict[str, NDArray[Any]]


class StagedGraph:
    """Runs the graph that ONNX Runtime runs, column by column; trees by ForestEvaluator.

    A stage is what can be computed before further trees are. Every matrix in between is transposed,
    shape ``(columns, n)``. Thread-safe. Raises :class:`CannotTranspose` for a graph with nodes, or
    with trees, that are not known here.
    """

    def __init__(self, graph: bytes) -> None:
        model = without_negatives(onnx.load_from_string(graph))
        self._trees = {
            node.output[0]: (node.input[0], ForestEvaluator(forest))
            for node in model.graph.node
            if (forest := forest_of(node)) is not None
        }
        self._stages = [_Stage(model, nodes, wanted) for nodes, wanted in self._cut(model)]

    def run(self, matrix: Matrix) -> list[NDArray[np.float64]]:
        """The graph's outputs for encoded houses, each of shape ``(n, 1)``."""
        starts = range(0, max(len(matrix), 1), _BLOCK)
        parts = [self._run(matrix[start : start + _BLOCK]) for start in starts]
        return [np.concatenate(outputs, axis=1).T for outputs in zip(*parts, strict=True)]

    def _run(self, matrix: Matrix) -> list[NDArray[np.float64]]:
        values: Values = {INPUT_NAME: matrix.T}
        waiting = dict(self._trees)
        for stage in self._stages:
            for name in [n for n, (source, _) in waiting.items() if source in values]:
                source, trees = waiting.pop(name)
                values[name] = trees.sums(values[source])[None, :]
            stage.run(values, len(matrix))
        return [values[name] for name in OUTPUT_NAMES]

    def _cut(self, model: onnx.ModelProto) -> list[tuple[list[onnx.NodeProto], set[str]]]:
        """The nodes of each stage, and what of their outputs others read."""
        stage_of = {value.name: 0 for value in model.graph.initializer} | {INPUT_NAME: 0}
        stages: list[list[onnx.NodeProto]] = []
        for node in model.graph.node:
            stage = max((stage_of[name] for name in node.input if name), default=0)
            taken_out = node.output[0] in self._trees
            stage_of |= dict.fromkeys(node.output, stage + taken_out)
            while len(stages) <= stage + taken_out:
                stages.append([])
            if not taken_out:
                stages[stage].append(node)
        made = [{name for node in nodes for name in node.output} for nodes in stages]
        wanted = {*OUTPUT_NAMES, *(source for source, _ in self._trees.values())}
        for nodes, own in zip(stages, made, strict=True):
            wanted |= {name for node in nodes for name in node.input if name not in own}
        return [(nodes, own & wanted) for nodes, own in zip(stages, made, strict=True) if nodes]


class _Stage:
    """Nodes of the graph that run together."""

    def __init__(
        self, model: onnx.ModelProto, nodes: list[onnx.NodeProto], wanted: set[str]
    ) -> None:
        read = {name for node in nodes for name in node.input}
        made = {name for node in nodes for name in node.output}
        constants = [value for value in model.graph.initializer if value.name in read]
        given = read - made - {value.name for value in constants} - {""}
        self._given, self._wanted = sorted(given), sorted(wanted)
        kinds = _kinds(model)
        turned, standing = transposed(nodes, constants)
        graph = helper.make_graph(
            turned,
            "stage",
            [helper.make_tensor_value_info(name, kinds[name], None) for name in self._given],
            [helper.make_tensor_value_info(name, kinds[name], None) for name in self._wanted],
            standing,
        )
        stage = helper.make_model(
            graph, opset_imports=model.opset_import, ir_version=model.ir_version
        )
        self._session = open_session(stage.SerializeToString())

    def run(self, values: Values, rows: int) -> None:
        """Add what others read of this stage to ``values``, a slice of the rows at a time."""
        for start in range(0, max(rows, 1), _SLICE):
            part = slice(start, start + _SLICE)
            given = {n: values[n][:, part] for n in self._given}
            results = self._session.run(self._wanted, given)
            for name, result in zip(self._wanted, results, strict=True):
                if rows <= _SLICE:
                    values[name] = result
                    continue
                if start == 0:
                    values[name] = np.empty((len(result), rows), result.dtype)
                values[name][:, part] = result


def _kinds(model: onnx.ModelProto) -> dict[str, int]:
    """The element type of each value that is computed."""
    inferred = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    return {value.name: value.type.tensor_type.elem_type for value in values}
