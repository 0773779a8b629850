"""The graph evaluated by columns, its trees by bits, gives what ONNX Runtime gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from regression_model import Model
from regression_model.artifact import GRAPH
from regression_model.batch import staged
from regression_model.batch.graph_trees import forest_of
from regression_model.batch.signs import without_negatives
from regression_model.batch.staged import StagedGraph
from regression_model.batch.table import batch_score
from regression_model.batch.transpose import CannotTranspose, transposed
from regression_model.batch.trees import Forest, ForestEvaluator
from regression_model.scorer import INPUT_NAME, OUTPUT_NAMES, open_session
from regression_model.training.twin.edge_houses import edge_matrix


@pytest.fixture(scope="module")
def edges(spec: Any, sales: Any, trained: Any) -> NDArray[np.float32]:
    """Rows at the edges, those beside every threshold of every tree among them."""
    known = trained.pipeline[:1].transform(sales.frame).to_numpy(np.float32)
    return edge_matrix(spec, trained.pipeline, trained.difficulty, known, seed=1)


def test_every_price_at_the_edges_is_that_of_the_graph(
    model: Model, edges: NDArray[np.float32]
) -> None:
    serving, batch = model.scorer.score(edges), batch_score(model)(edges)

    assert len(edges) >= 10_000
    for expected, value in zip(serving, batch, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-11)


def test_the_compiled_graph_is_staged_and_all_its_trees_are_taken_out(model: Model) -> None:
    graph = model.artifact.read(GRAPH)
    trees = [n for n in onnx.load_from_string(graph).graph.node if n.op_type == "TreeEnsemble"]

    assert len(trees) >= 2
    assert None not in map(forest_of, trees)
    StagedGraph(graph)


def test_trees_read_no_negatives_and_split_where_they_did(
    model: Model, edges: NDArray[np.float32]
) -> None:
    graph = onnx.load_from_string(model.artifact.read(GRAPH))

    plain = without_negatives(graph)

    assert [n.op_type for n in graph.graph.node].count("Neg") == 1
    assert [n.op_type for n in plain.graph.node].count("Neg") == 0
    before, after = (open_session(g.SerializeToString()) for g in (graph, plain))
    given = {INPUT_NAME: edges}
    for was, now in zip(
        before.run(OUTPUT_NAMES, given), after.run(OUTPUT_NAMES, given), strict=True
    ):
        np.testing.assert_array_equal(now, was)


def test_a_negative_whose_positive_is_not_there_stays() -> None:
    value = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 2]) for name in "ax"]
    result = helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 1])
    graph = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["x"]), node()], "g", value[:1], [result]
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)

    assert without_negatives(model) == model


def test_a_graph_that_cannot_be_staged_is_run_as_it_is(
    model: Model, edges: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "forest_of", lambda _: None)

    value = batch_score(model)(edges[:9])

    assert value.price.tolist() == model.scorer.score(edges[:9]).price.tolist()


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 1023, 1024, 1025, 2049])
def test_no_number_of_rows_is_special(
    model: Model, edges: NDArray[np.float32], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "_BLOCK", 1024)
    monkeypatch.setattr(staged, "_SLICE", 512)
    graph = model.artifact.read(GRAPH)

    outputs = StagedGraph(graph).run(edges[:rows])

    expected = open_session(graph).run(OUTPUT_NAMES, {INPUT_NAME: edges[:rows]})
    for value, wanted in zip(outputs, expected, strict=True):
        assert value.shape == (rows, 1)
        np.testing.assert_allclose(value, wanted, rtol=1e-11)


# Trees


def walked(forest: Forest, row: NDArray[np.float64]) -> float:
    """The sum of the leaves that a row falls into, tree by tree."""
    total = 0.0
    for feature, threshold, leaf in zip(*forest, strict=True):
        node = 0
        while node < len(feature):
            right = feature[node] >= 0 and row[feature[node]] <= threshold[node]
            node = 2 * node + 1 + int(right)
        total += leaf[node - len(feature)]
    return total


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("trees", [1, 2, 33, 70])
@pytest.mark.parametrize("single", [True, False])
def test_bits_fall_into_the_leaves_that_a_walk_ends_in(
    depth: int, trees: int, single: bool
) -> None:
    rng = np.random.default_rng(depth * 100 + trees)
    nodes = 2**depth - 1
    thresholds = rng.normal(size=40)
    feature = rng.integers(-1, 6, size=(trees, nodes))
    forest = Forest(
        feature, rng.choice(thresholds, size=(trees, nodes)), rng.normal(size=(trees, nodes + 1))
    )
    near = thresholds.astype(np.float32)
    near = np.concatenate([near, np.nextafter(near, np.float32(9)), np.nextafter(near, -near - 9)])
    exact = np.concatenate([thresholds, np.nextafter(thresholds, 9), [np.nan, np.inf, -np.inf]])
    values = np.append(near.astype(float), [np.nan, np.inf, -np.inf]) if single else exact
    columns = rng.choice(values, size=(6, 203))

    sums = ForestEvaluator(forest).sums(columns)

    np.testing.assert_allclose(sums, [walked(forest, row) for row in columns.T], atol=1e-12)


def node(**changed: Any) -> onnx.NodeProto:
    """Two trees, one of them a split above a split."""
    attributes: dict[str, Any] = {
        "n_targets": 1, "aggregate_function": 1, "post_transform": 0, "tree_roots": [0, 2],
        "nodes_featureids": [0, 1, 1], "nodes_splits": np.array([1.5, -2.0, 0.5]),
        "nodes_modes": np.zeros(3, np.uint8), "nodes_truenodeids": [1, 1, 3],
        "nodes_trueleafs": [0, 1, 1], "nodes_falsenodeids": [0, 2, 4],
        "nodes_falseleafs": [1, 1, 1], "leaf_targetids": [0] * 5,
        "leaf_weights": np.array([1.0, 2.0, 4.0, 8.0, 16.0]),
    }  # fmt: skip
    attributes |= changed
    given = {
        k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
        for k, v in attributes.items()
    }
    return helper.make_node("TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", **given)


def test_trees_are_read_from_their_node() -> None:
    forest = forest_of(node())

    assert forest is not None
    x = np.array([[1.5, 1.6, 1.0, np.nan], [-2.0, -2.0, 0.6, np.nan]])
    assert ForestEvaluator(forest).sums(x).tolist() == [2 + 8, 1 + 8, 4 + 16, 1 + 16]


@pytest.mark.parametrize(
    "changed",
    [
        {"aggregate_function": 0},
        {"n_targets": 2},
        {"post_transform": 1},
        {"nodes_modes": np.array([0, 1, 0], np.uint8)},
        {"nodes_missing_value_tracks_true": [1, 0, 0]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_trees_of_another_meaning_are_left_alone(changed: dict[str, Any]) -> None:
    assert forest_of(node(**changed)) is None


def test_deep_trees_are_left_alone() -> None:
    chain = 7
    deep = node(
        tree_roots=[0],
        nodes_featureids=[0] * chain,
        nodes_splits=np.arange(float(chain)),
        nodes_modes=np.zeros(chain, np.uint8),
        nodes_truenodeids=[*range(1, chain), chain],
        nodes_trueleafs=[0] * (chain - 1) + [1],
        nodes_falsenodeids=[*range(chain)],
        nodes_falseleafs=[1] * chain,
        leaf_targetids=[0] * (chain + 1),
        leaf_weights=np.ones(chain + 1),
    )

    assert forest_of(deep) is None


# Nodes


def run(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], x: Any) -> Any:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, None)],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)],
        constants,
    )
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    (y,) = open_session(model.SerializeToString()).run(["y"], {"x": x})
    return y


N = helper.make_node


@pytest.mark.parametrize(
    "nodes",
    [
        [N("Gather", ["x", "two"], ["y"], axis=1)],
        [N("Add", ["x", "row"], ["y"])],
        [N("Add", ["x", "flat"], ["y"])],
        [N("Mul", ["x", "scalar"], ["y"])],
        [N("MatMul", ["x", "weights"], ["y"])],
        [N("Gemm", ["x", "weights", "flat3"], ["y"], alpha=2.0)],
        [N("Gemm", ["x", "standing"], ["y"], transB=1)],
        [N("Concat", ["x", "x"], ["y"], axis=1)],
        [N("ReduceSum", ["x", "axis"], ["y"], keepdims=1)],
        [N("ReduceMax", ["x", "axis"], ["y"], keepdims=1)],
        [N("Cast", ["x"], ["i"], to=TensorProto.INT64), N("Gather", ["table", "i"], ["y"])],
        [
            N("Cast", ["x"], ["i"], to=TensorProto.INT64),
            N("GatherElements", ["tables", "i"], ["y"], axis=0),
        ],
        [
            N("Cast", ["x"], ["i"], to=TensorProto.INT64),
            N("Gather", ["tables", "i"], ["z"]),
            N("ReduceSum", ["z", "axis"], ["y"], keepdims=0),
        ],
    ],
    ids=lambda nodes: "-".join(n.op_type for n in nodes),
)
def test_a_turned_node_gives_the_transpose(nodes: list[onnx.NodeProto]) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "two": np.array([2, 0]),
        "row": rng.normal(size=(1, 4)),
        "flat": rng.normal(size=4),
        "flat3": rng.normal(size=3),
        "scalar": np.array(2.5),
        "weights": rng.normal(size=(4, 3)),
        "standing": rng.normal(size=(3, 4)),
        "axis": np.array([1]),
        "table": rng.normal(size=9),
        "tables": rng.normal(size=(9, 4)),
    }
    read = {name for n in nodes for name in n.input}
    constants = [numpy_helper.from_array(a, name) for name, a in arrays.items() if name in read]
    x = rng.integers(0, 9, size=(5, 4)).astype(float)

    turned = run(*transposed(nodes, constants), np.ascontiguousarray(x.T))

    np.testing.assert_allclose(turned.T, run(nodes, constants, x), rtol=1e-14)


@pytest.mark.parametrize(
    "unknown",
    [
        N("CumSum", ["x", "axis"], ["y"]),
        N("ReduceSum", ["x"], ["y"], keepdims=1),
        N("TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml"),
    ],
    ids=lambda n: n.op_type,
)
def test_a_node_whose_transpose_is_not_known_is_named(unknown: onnx.NodeProto) -> None:
    axis = numpy_helper.from_array(np.array(1), "axis")

    with pytest.raises(CannotTranspose, match=rf"{unknown.op_type} \(y\)"):
        transposed([unknown], [axis])
