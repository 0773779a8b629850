"""Trees as arrays, and the operator they become."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

from regression_model.training.compiler import converters  # noqa: F401  # registers them
from regression_model.training.compiler.graph import GraphBuilder, convert

Matrix = NDArray[np.float64]


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingRegressor(n_estimators=30, max_depth=4, random_state=0),
        HistGradientBoostingRegressor(max_iter=30, max_depth=4, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_at_every_split_at_least_half_of_the_rows_go_the_second_way(estimator: Any) -> None:
    rng = np.random.default_rng(5)
    matrix = np.exp(rng.normal(size=(600, 3))).astype(np.float32).astype(np.float64)
    estimator.fit(matrix, matrix @ [1.0, -2.0, 0.5] + rng.normal(size=600))
    graph = GraphBuilder()
    source = graph.cast(graph.source("houses", 3), TensorProto.DOUBLE)
    result = convert(estimator, graph, source)
    content = graph.finish(source="houses", columns=3, results={"y": result})

    # The trees read the columns and, beside them, their negatives.
    ways = rows_by_way(onnx.load_from_string(content), np.hstack([matrix, -matrix]))

    assert len(ways) > 200
    assert (ways[:, 1] >= ways[:, 0]).all()


def rows_by_way(model: onnx.ModelProto, matrix: Matrix) -> NDArray[np.intp]:
    """How many rows of what the trees read go each way, split by split."""
    (trees,) = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
    table = {a.name: helper.get_attribute_value(a) for a in trees.attribute}
    threshold = numpy_helper.to_array(table["nodes_splits"])
    found = []
    pending = [(root, np.arange(len(matrix))) for root in table["tree_roots"]]
    while pending:
        node, rows = pending.pop()
        first = matrix[rows, table["nodes_featureids"][node]] <= threshold[node]
        found.append((first.sum(), (~first).sum()))
        for side, went in (("true", rows[first]), ("false", rows[~first])):
            if not table[f"nodes_{side}leafs"][node]:
                pending.append((table[f"nodes_{side}nodeids"][node], went))
    return np.array(found)
