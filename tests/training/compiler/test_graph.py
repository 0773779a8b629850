"""Views cost no node; what is read from them is what a matrix would hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from regression_model.training.compiler.graph import GraphBuilder

Matrix = NDArray[np.float64]
WIDTH = 4
ROWS = np.array([[0, 1, 2, 3], [5, 0, 7, 1], [2, 2, 40, 0]], np.float32)


class Built:
    """A graph of the input ``x``, its nodes by kind, and what it gives for ``ROWS``."""

    def __init__(self, build: Callable[[GraphBuilder, str], str], width: int) -> None:
        graph = GraphBuilder()
        source = graph.cast(graph.source("houses", WIDTH), TensorProto.DOUBLE)
        result = build(graph, source)
        names = [f"column{j}" for j in range(width)]
        whole = graph.op("Identity", result, width=width)
        results = {name: graph.columns(whole, [j]) for j, name in enumerate(names)}
        content = graph.finish(source="houses", columns=WIDTH, results=results)
        nodes = onnx.load_from_string(content).graph.node
        self.nodes = Counter(node.op_type for node in nodes)
        self.content = content
        self.names = names

    def on(self, matrix: NDArray[np.float32] = ROWS) -> Matrix:
        session = ort.InferenceSession(self.content, providers=["CPUExecutionProvider"])
        return np.hstack(session.run(self.names, {"houses": matrix}))


def test_columns_that_are_selected_joined_and_replaced_are_where_they_should_be() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        doubled = graph.op("Add", x, x)
        joined = graph.append(graph.columns(x, [2, 0]), graph.columns(doubled, [1]))
        return graph.replace(joined, np.array([1]), graph.columns(doubled, [3]))

    np.testing.assert_array_equal(Built(build, 3).on(), [[2, 6, 2], [7, 2, 0], [40, 0, 4]])


def test_equal_nodes_are_made_once() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        return graph.append(graph.op("Exp", x), graph.op("Exp", x))

    assert Built(build, 2).nodes["Exp"] == 1


def test_a_table_of_a_table_is_one_lookup() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        first = graph.lookup(graph.columns(x, [0, 2]), [np.array([3.0, 1, 0]), np.array([1.0, 0])])
        return graph.lookup(first, [np.array([10.0, 11, 12]), np.array([20.0, 21])])

    built = Built(build, 2)

    # The first table ends in 0, the second ends before 3: codes beyond get the last entry.
    np.testing.assert_array_equal(built.on(), [[12, 20], [10, 20], [10, 20]])
    assert built.nodes["GatherElements"] == 1


def test_a_table_of_numbers_that_were_scaled_is_looked_up_by_the_scaled_ones() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        halved = graph.arithmetic("Div", graph.columns(x, [0, 1]), np.array([2.0, 1.0]))
        return graph.lookup(halved, [np.array([5.0, 6, 7]), np.array([8.0, 9])])

    np.testing.assert_array_equal(Built(build, 2).on(), [[5, 9], [7, 8], [6, 9]])


def test_sums_take_tables_scaling_and_indicators_into_their_weights() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        groups = graph.lookup(graph.columns(x, [0, 1]), [np.array([0.0, 1, 2]), np.array([4.0, 3])])
        marks = graph.indicators(graph.columns(groups, [0, 0, 1]), np.array([0.0, 2, 3]))
        scaled = graph.arithmetic("Sub", graph.append(marks, x), np.arange(7.0))
        scaled = graph.arithmetic("Div", scaled, np.full(7, 4.0))
        return graph.sums(scaled, np.arange(1.0, 8)[:, None], offsets=1.0)

    built = Built(build, 1)

    groups = np.array([[0, 3], [2, 4], [2, 3]])
    marks = np.column_stack([groups[:, 0] == 0, groups[:, 0] == 2, groups[:, 1] == 3])
    scaled = (np.hstack([marks, ROWS]) - np.arange(7)) / 4
    np.testing.assert_allclose(built.on(), scaled @ np.arange(1.0, 8)[:, None] + 1, rtol=1e-14)
    assert not {"Equal", "Sub", "Div", "GatherElements"} & set(built.nodes)


def test_sums_of_the_same_matrix_are_computed_together() -> None:
    weights = np.arange(8.0).reshape(4, 2)

    def build(graph: GraphBuilder, x: str) -> str:
        first = graph.sums(x, weights)
        second = graph.sums(x, weights[:, :1] + 1, offsets=5.0)
        return graph.sums(graph.append(first, second), np.eye(3))

    built = Built(build, 3)

    expected = np.hstack([ROWS @ weights, ROWS @ (weights[:, :1] + 1) + 5])
    np.testing.assert_array_equal(built.on(), expected)
    assert built.nodes["MatMul"] + built.nodes["Gemm"] == 2


def test_sums_with_no_weight_are_their_offset_in_every_row() -> None:
    built = Built(lambda graph, x: graph.sums(x, np.zeros((4, 1)), offsets=3.0), 1)

    np.testing.assert_array_equal(built.on(), np.full((3, 1), 3.0))


def test_few_columns_of_a_wide_matrix_are_summed_without_the_others() -> None:
    weights = np.zeros((600, 5))
    weights[:2] = 1.0

    def build(graph: GraphBuilder, x: str) -> str:
        wide = graph.op("Gather", x, graph.constant([0, 1] * 300, np.int64), axis=1, width=600)
        return graph.sums(wide, weights)

    built = Built(build, 5)
    model = onnx.load_from_string(built.content)
    (matrix,) = [t for t in model.graph.initializer if len(t.dims) == 2]

    np.testing.assert_array_equal(built.on(), np.repeat(ROWS[:, [0]] + ROWS[:, [1]], 5, axis=1))
    assert list(matrix.dims) == [2, 5]


def test_clip_holds_each_column_by_its_own_limits_even_when_one_is_there_twice() -> None:
    low, high = np.array([1.0, -np.inf, 3.0]), np.array([np.inf, 6.0, 4.0])

    def once(graph: GraphBuilder, x: str) -> str:
        return graph.clip(graph.columns(x, [0, 2, 3]), low, high)

    def twice(graph: GraphBuilder, x: str) -> str:
        return graph.clip(graph.columns(x, [2, 2, 2]), low, high)

    expected = np.clip(ROWS[:, [0, 2, 3]], low, high)
    np.testing.assert_array_equal(Built(once, 3).on(), expected)
    np.testing.assert_array_equal(Built(twice, 3).on(), np.clip(ROWS[:, [2, 2, 2]], low, high))


def test_columns_clipped_above_zero_are_known_to_be_positive() -> None:
    graph = GraphBuilder()
    source = graph.source("houses", WIDTH)
    held = graph.clip(source, np.array([1.0, 0.0, -1.0, -np.inf]), np.full(4, np.inf))

    assert [graph.is_positive(graph.columns(held, [j])) for j in range(4)] == [True, *[False] * 3]
    assert not graph.is_positive(graph.columns(source, [0]))


def test_unknown_values_are_flagged_and_flags_are_known() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        flags = graph.unknown(graph.columns(x, [3, 1]))
        assert graph.may_be_unknown(graph.append(x, flags)).tolist() == [0, 1, 2, 3]
        return flags

    holes = ROWS.copy()
    holes[0, 1] = holes[2, 3] = np.nan

    np.testing.assert_array_equal(Built(build, 2).on(holes), [[0, 1], [0, 0], [1, 0]])


def test_a_matrix_of_unknown_width_is_refused_with_the_remedy() -> None:
    graph = GraphBuilder()
    x = graph.op("Transpose", graph.source("houses", WIDTH))

    with pytest.raises(ValueError, match="the width of v0 is not known; pass width to the op"):
        graph.columns(x, [0])


def test_a_result_may_be_the_input_or_another_result() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        positive: Any = graph.op("Abs", graph.columns(x, [0]))
        return graph.append(positive, positive)

    np.testing.assert_array_equal(Built(build, 2).on(), [[0, 0], [5, 5], [2, 2]])


def test_limits_that_are_the_same_for_every_column_are_one_node() -> None:
    built = Built(lambda graph, x: graph.clip(x, np.full(4, 1.0), np.full(4, 5.0)), 4)

    np.testing.assert_array_equal(built.on(), np.clip(ROWS, 1, 5))
    assert built.nodes["Clip"] == 1


def test_negatives_are_computed_once_and_stand_beside_their_columns() -> None:
    def build(graph: GraphBuilder, x: str) -> str:
        doubled = graph.op("Add", x, x)
        wanted = graph.columns(graph.append(x, doubled), [5, 0])
        matrix, places, opposites = graph.read_signed(wanted)
        again = graph.read_signed(graph.append(wanted, graph.op("Exp", x)))
        assert [o >= 0 for o in again[2]] == [True, True, *[False] * 4]
        return graph.append(
            graph.columns(matrix, [*places, *opposites]), graph.columns(again[0], again[2][:2])
        )

    built = Built(build, 6)

    wanted = np.column_stack([2 * ROWS[:, 1], ROWS[:, 0]])
    np.testing.assert_array_equal(built.on(), np.hstack([wanted, -wanted, -wanted]))
    assert built.nodes["Neg"] == 1
