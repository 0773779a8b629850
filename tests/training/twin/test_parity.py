"""The pipeline and its compiled twin are compared where they could part, and a changed twin is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from regression_model.config.spec import Spec
from regression_model.errors import ParityError
from regression_model.reading.validation import HouseValidator
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer
from regression_model.training.compiler.trees import trees_of
from regression_model.training.fit import Trained
from regression_model.training.twin.edge_houses import edge_matrix, random_houses
from regression_model.training.twin.parity import prove_parity

Vector = NDArray[np.float64]
DIFFERS = r"differs from the pipeline by \$[\d,.]+ on (training|edge) row \d+.*Nothing was saved"


@pytest.fixture(scope="module")
def known(trained: Trained, sales: Sales) -> Any:
    return trained.pipeline[:1].transform(sales.frame).to_numpy(np.float32)


@pytest.fixture(scope="module")
def edges(spec: Spec, trained: Trained, known: Any) -> Any:
    return edge_matrix(spec, trained.pipeline, trained.difficulty, known, seed=spec.seed)


@pytest.fixture(scope="module")
def numeric(spec: Spec) -> list[str]:
    return [f.name for f in spec.inputs if not f.has_levels]


@pytest.fixture(scope="module")
def thresholds(trained: Trained) -> list[tuple[str, float, bool]]:
    """Column, threshold and whether it is a root, of every split in the order of the graph."""
    pipeline = trained.pipeline
    member = pipeline[-1].regressor_.named_estimators_["trees"]
    names = member[:-1].get_feature_names_out(pipeline[-2].get_feature_names_out())
    return [
        (names[tree.feature[node]], float(tree.threshold[node]), node == 0)
        for tree in trees_of(member[-1])
        for node in np.flatnonzero(tree.left >= 0)
    ]


def edited(
    graph: bytes, attribute: str, change: Callable[[Vector], Vector], *, ensemble: int = 0
) -> bytes:
    """The graph with the numbers of one ensemble's trees changed: the first is a member's."""
    model = onnx.load_from_string(graph)
    trees = [node for node in model.graph.node if node.op_type == "TreeEnsemble"][ensemble]
    (found,) = [a for a in trees.attribute if a.name == attribute]
    values = change(numpy_helper.to_array(found.t).copy())
    found.t.CopyFrom(numpy_helper.from_array(values, found.t.name))
    return bytes(model.SerializeToString())


def moved(graph: bytes, place: int, value: float) -> bytes:
    def change(splits: Vector) -> Vector:
        splits[place] = value
        return splits

    return edited(graph, "nodes_splits", change)


def test_parity_is_proven_on_every_training_row_and_ten_thousand_edges(
    trained: Trained, sales: Sales
) -> None:
    parity = trained.parity

    assert parity.training_rows == len(sales.prices)
    assert parity.edge_rows >= 10_000
    assert 0 <= parity.largest_on_training < 1e-6
    assert 0 <= parity.largest_on_edges < 1e-6


def test_unchanged_graph_is_proven_again(spec: Spec, sales: Sales, trained: Trained) -> None:
    unchanged = edited(trained.graph, "nodes_splits", lambda splits: splits)

    assert (
        prove_parity(spec, trained.pipeline, trained.difficulty, unchanged, sales.frame)
        == trained.parity
    )


@pytest.mark.parametrize("column", ["GrLivArea", "LotArea", "1stFlrSF", "BsmtFinSF1"])
def test_one_threshold_moved_is_caught(
    column: str,
    spec: Spec,
    sales: Sales,
    trained: Trained,
    thresholds: list[tuple[str, float, bool]],
) -> None:
    median = float(sales.frame[column].median())
    places = [i for i, (name, _, _) in enumerate(thresholds) if name == column]
    nearest = min(places, key=lambda i: abs(thresholds[i][1] - median))
    graph = moved(trained.graph, nearest, 1.02 * thresholds[nearest][1])

    with pytest.raises(ParityError, match=DIFFERS):
        prove_parity(spec, trained.pipeline, trained.difficulty, graph, sales.frame)


def noticed(places: list[int], thresholds: Any, trained: Trained, rows: Any, spec: Spec) -> int:
    """How many thresholds, each moved one step of single precision, show by a dollar in ``rows``."""
    inputs = [f.name for f in spec.inputs]
    expected = trained.pipeline[1:].predict(pd.DataFrame(rows.astype(float), columns=inputs))
    count = 0
    for place in places:
        exact = np.float32(thresholds[place][1])
        step = np.nextafter(exact, np.float32(np.inf))
        graph = moved(trained.graph, place, float(step))
        off = np.abs(Scorer(graph).score(rows).price - expected)
        count += bool((off > np.maximum(1, 1e-6 * expected)).any())
    return count


def test_threshold_of_a_root_moved_by_one_step_of_single_precision_shows(
    spec: Spec,
    trained: Trained,
    thresholds: list[tuple[str, float, bool]],
    edges: Any,
    numeric: list[str],
) -> None:
    roots = [i for i, (name, _, root) in enumerate(thresholds) if root and name in numeric]

    assert len(roots) >= 5
    assert noticed(roots, thresholds, trained, edges, spec) == len(roots)


def test_threshold_deep_in_a_tree_moved_by_one_step_shows(
    spec: Spec,
    trained: Trained,
    thresholds: list[tuple[str, float, bool]],
    edges: Any,
    numeric: list[str],
) -> None:
    splits = [i for i, (name, _, root) in enumerate(thresholds) if not root and name in numeric]
    chosen = np.random.default_rng(9).choice(splits, 40, replace=False).tolist()

    # Nine of ten: the two sides of a split may be worth the same to within a dollar.
    assert noticed(chosen, thresholds, trained, edges, spec) >= 36


def test_one_leaf_changed_by_a_hundredth_is_caught(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    def change(weights: Vector) -> Vector:
        weights[np.argsort(np.abs(weights))[len(weights) // 2]] *= 1.01
        return weights

    with pytest.raises(ParityError, match=DIFFERS):
        prove_parity(
            spec,
            trained.pipeline,
            trained.difficulty,
            edited(trained.graph, "leaf_weights", change),
            sales.frame,
        )


def test_one_leaf_of_difficulty_changed_by_a_hundredth_is_caught(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    def change(weights: Vector) -> Vector:
        weights[np.argsort(np.abs(weights))[len(weights) // 2]] *= 1.01
        return weights

    graph = edited(trained.graph, "leaf_weights", change, ensemble=-1)

    with pytest.raises(ParityError, match=rf"(?s){DIFFERS}") as caught:
        prove_parity(spec, trained.pipeline, trained.difficulty, graph, sales.frame)
    assert "upper limit of the pipeline" in str(caught.value)


def test_one_linear_coefficient_changed_is_caught(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    model = onnx.load_from_string(trained.graph)
    weights = [node.input[1] for node in model.graph.node if node.op_type == "MatMul"]
    linear = [tensor for tensor in model.graph.initializer if tensor.name in weights]
    tensor = max(linear, key=lambda tensor: int(tensor.dims[0]))  # the most columns
    values = numpy_helper.to_array(tensor).copy()
    used = np.flatnonzero(values[:, 0])
    middle = used[np.argsort(np.abs(values[used, 0]))[-len(used) // 3]]
    values[middle, 0] *= 1.01
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    with pytest.raises(ParityError, match=DIFFERS):
        prove_parity(
            spec, trained.pipeline, trained.difficulty, model.SerializeToString(), sales.frame
        )


def test_graph_that_answers_no_number_is_caught(spec: Spec, sales: Sales, trained: Trained) -> None:
    graph = edited(trained.graph, "leaf_weights", lambda weights: np.full_like(weights, np.nan))

    with pytest.raises(ParityError, match=r"on training row 0 .*graph \$nan"):
        prove_parity(spec, trained.pipeline, trained.difficulty, graph, sales.frame)


class TestEdges:
    def test_one_row_is_unknown_throughout(self, edges: Any) -> None:
        assert np.isnan(edges).all(axis=1).any()

    def test_every_level_of_every_feature_is_there(self, spec: Spec, edges: Any) -> None:
        for j, f in enumerate(spec.inputs):
            values = edges[:, j]
            assert np.isnan(values).any()
            if f.has_levels:
                assert set(values[~np.isnan(values)]) == set(range(len(f.levels)))

    def test_limits_of_the_possible_and_the_trained_are_there(self, spec: Spec, edges: Any) -> None:
        for j, f in enumerate(spec.inputs):
            if not f.has_levels:
                assert f.range is not None
                for limit in (f.minimum, f.maximum, *f.range):
                    assert np.isin(around(limit), edges[:, j]).all()

    def test_every_threshold_is_there_with_both_neighbours(
        self,
        spec: Spec,
        edges: Any,
        thresholds: list[tuple[str, float, bool]],
        numeric: list[str],
    ) -> None:
        columns = {f.name: j for j, f in enumerate(spec.inputs)}
        on_inputs = [(name, value) for name, value, _ in thresholds if name in numeric]

        assert len(on_inputs) > 100
        for name, value in on_inputs:
            assert np.isin(around(value), edges[:, columns[name]]).all()

    def test_thresholds_of_a_large_model_are_taken_from_its_whole_range(
        self, spec: Spec, known: Any, trained: Trained
    ) -> None:
        """Of a column with more thresholds than are tried, the upper ones are tried as well."""
        from sklearn.base import clone

        rng = np.random.default_rng(10)
        column = [f.name for f in spec.inputs].index("LotArea")
        pipeline = clone(trained.pipeline)
        trees = next(
            member for name, member in pipeline[-1].regressor.estimators if name == "trees"
        )
        trees[-1].set_params(n_estimators=60, max_depth=12, max_features=None, min_samples_leaf=1)
        houses = random_houses(spec, 700, seed=1)
        for house, area in zip(houses, rng.uniform(2000, 200_000, size=700), strict=True):
            house["LotArea"] = float(round(area))
        checked, _ = HouseValidator(spec).check(houses)
        prices = np.array([100_000 + house["LotArea"] for house in checked if house])
        pipeline.fit(checked, prices)
        names = (
            pipeline[-1]
            .regressor_.named_estimators_["trees"][:-1]
            .get_feature_names_out(pipeline[-2].get_feature_names_out())
        )
        grown = trees_of(pipeline[-1].regressor_.named_estimators_["trees"][-1])
        found = np.unique(
            [
                t.threshold[k]
                for t in grown
                for k in np.flatnonzero(t.left >= 0)
                if names[t.feature[k]] == "LotArea"
            ]
        )
        rows = edge_matrix(spec, pipeline, None, known, seed=1)
        upper = found[len(found) * 9 // 10 :]

        assert len(found) > 300
        assert np.isin(upper.astype(np.float32), rows[:, column]).any()

    def test_rows_are_the_same_for_the_same_seed(
        self, spec: Spec, trained: Trained, known: Any, edges: Any
    ) -> None:
        again = edge_matrix(spec, trained.pipeline, trained.difficulty, known, seed=spec.seed)
        other = edge_matrix(spec, trained.pipeline, trained.difficulty, known, seed=1)

        np.testing.assert_array_equal(again, edges)
        assert not np.array_equal(other, edges, equal_nan=True)

    def test_random_houses_are_valid_and_reach_every_level(self, spec: Spec) -> None:
        houses = random_houses(spec, 2000, seed=1)
        checked, errors = HouseValidator(spec).check(houses)

        assert errors == []
        assert None not in checked
        for f in spec.inputs:
            if f.has_levels:
                assert {house.get(f.name) for house in houses} >= set(f.levels)


def around(value: float | None) -> NDArray[np.float32]:
    """A number in single precision, with the one before and the one after."""
    assert value is not None
    exact, far = np.float32(value), np.float32(np.inf)
    return np.array([exact, np.nextafter(exact, -far), np.nextafter(exact, far)])
