"""Every step and estimator has an ONNX converter that computes the same, in double."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from regression_model.config.spec import Derived, Imputation, Term
from regression_model.training.compiler import converters  # noqa: F401  # registers them
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.compiler.trees import trees_of
from regression_model.training.estimators.blend import LimitedVotingRegressor
from regression_model.training.estimators.huber import HuberElasticNet, HuberRidge
from regression_model.training.estimators.kernel import LandmarkKernelRegressor
from regression_model.training.transformers import (
    ColumnDropper,
    DeclaredImputer,
    DerivedFeatures,
    ElapsedTime,
    FeatureSelector,
    LevelIndicators,
    LogTransformer,
    MissingFlagger,
    OrdinalMapper,
    RangeClipper,
    RareLevelGrouper,
    TargetOrderedEncoder,
    YeoJohnsonTransformer,
)

Matrix = NDArray[Any]
Twin = Callable[[Matrix], Matrix]

WIDTH = 4
LEVELS = 6
NAMES = [f"x{j}" for j in range(WIDTH)]
LARGEST = float(np.finfo(np.float32).max)


class Case(NamedTuple):
    """An estimator, and which inputs it meets: numbers or codes of levels, unknown or not.

    ``sums``: its result is a sum of terms that may cancel, so that rounding is relative to them.
    """

    estimator: Any
    unknown: bool = False
    codes: bool = False
    sums: bool = False


def formula(kind: Any, *features: str | Term, name: str = "new", **rest: Any) -> Derived:
    terms = tuple(f if isinstance(f, Term) else Term(feature=f) for f in features)
    return Derived(name=name, description="", formula=kind, terms=terms, **rest)


FLAGS = [
    formula("flag", "x0", name=f"flag{i}", comparison=comparison, value=1.0)
    for i, comparison in enumerate(("=", "!=", ">", ">=", "<", "<="))
]
LEVEL_FLAGS = [
    formula("flag", feature, name=f"{feature} {comparison}", comparison=comparison, value=1)
    for feature, comparison in (("x1", "="), ("x3", "!="))
]
CHAIN = [
    formula("sum", "x0", Term(feature="x1", weight=0.5), name="total"),
    formula("difference", "x2", "x3", name="apart"),
    formula("difference", "total", Term(feature="x0", weight=2.0), name="rest"),
    formula("sum", "x1", "x1", "total", name="twice"),
]
STEPS = {
    "MissingFlagger": Case(MissingFlagger(["x1", "x3"]), unknown=True),
    "DeclaredImputer by statistics": Case(
        DeclaredImputer(
            {
                "x0": Imputation(method="mean"),
                "x1": Imputation(method="most frequent"),
                "x2": Imputation(method="constant", value=-7.0),
            }
        ),
        unknown=True,
    ),
    "DeclaredImputer by group": Case(
        DeclaredImputer(
            {
                "x0": Imputation(method="median", by="x1"),
                "x2": Imputation(method="mean", by="x3"),
                "x1": Imputation(method="most frequent"),
            }
        ),
        unknown=True,
        codes=True,
    ),
    "DeclaredImputer by column": Case(
        DeclaredImputer(
            {
                "x0": Imputation(method="feature", feature="x1"),
                "x2": Imputation(method="feature", feature="x3"),
            }
        ),
        unknown=True,
    ),
    "RangeClipper": Case(RangeClipper({"x0": (-1.0, 1.0), "x2": (0.1, 0.3)})),
    "RangeClipper of fit": Case(RangeClipper()),
    "ElapsedTime": Case(ElapsedTime(["x0", "x2"], "x1")),
    "DerivedFeatures in a chain": Case(DerivedFeatures(CHAIN), sums=True),
    "DerivedFeatures product": Case(DerivedFeatures([formula("product", "x0", "x1", "x1")])),
    "DerivedFeatures ratio": Case(DerivedFeatures([formula("ratio", "x0", "x1")])),
    "DerivedFeatures flags": Case(DerivedFeatures(FLAGS)),
    "DerivedFeatures flags of levels": Case(DerivedFeatures(LEVEL_FLAGS), codes=True),
    "OrdinalMapper": Case(
        OrdinalMapper({"x1": (1, 2, 3.5, 7, 8, 9), "x3": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)}),
        codes=True,
    ),
    "OrdinalMapper of nothing": Case(OrdinalMapper(), codes=True),
    "RareLevelGrouper": Case(RareLevelGrouper(["x0", "x3"], share=0.15), codes=True),
    "TargetOrderedEncoder": Case(TargetOrderedEncoder(["x0", "x2"]), codes=True),
    "LevelIndicators": Case(LevelIndicators(["x1", "x2"]), unknown=True, codes=True),
    "LogTransformer": Case(LogTransformer(["x0", "x3"]), unknown=True),
    "YeoJohnsonTransformer": Case(YeoJohnsonTransformer(["x0", "x3"]), unknown=True),
    "ColumnDropper": Case(ColumnDropper(["x1"]), unknown=True),
    "FeatureSelector of everything": Case(FeatureSelector(), unknown=True),
    "StandardScaler": Case(StandardScaler(), unknown=True),
    "RobustScaler": Case(RobustScaler(), unknown=True),
    "MinMaxScaler": Case(MinMaxScaler(), unknown=True),
}
SMALL: dict[str, Any] = {"random_state": 0, "min_samples_leaf": 2}
MEMBERS = [
    ("linear", make_pipeline(RobustScaler(), Lasso(alpha=0.01))),
    ("trees", GradientBoostingRegressor(n_estimators=20, **SMALL)),
]
ESTIMATORS = {
    "Lasso": Case(Lasso(alpha=0.01), sums=True),
    "Ridge": Case(Ridge(), sums=True),
    "Ridge without intercept": Case(Ridge(fit_intercept=False), sums=True),
    "ElasticNet": Case(ElasticNet(alpha=0.01), sums=True),
    "HuberElasticNet": Case(HuberElasticNet(alpha=0.01), sums=True),
    "HuberRidge": Case(HuberRidge(), sums=True),
    "LandmarkKernelRegressor": Case(
        LandmarkKernelRegressor(components=3, landmarks=40, random_state=0), sums=True
    ),
    "LandmarkKernelRegressor of nothing relevant": Case(
        LandmarkKernelRegressor(relevance=1e6, landmarks=40, random_state=0), sums=True
    ),
    "a model of nothing but its intercept": Case(Lasso(alpha=1e6)),
    "GradientBoostingRegressor": Case(GradientBoostingRegressor(n_estimators=40, **SMALL)),
    "GradientBoostingRegressor of Huber's loss": Case(
        GradientBoostingRegressor(n_estimators=40, loss="huber", subsample=0.5, **SMALL)
    ),
    "GradientBoostingRegressor of absolute loss": Case(
        GradientBoostingRegressor(n_estimators=20, loss="absolute_error", max_features=1, **SMALL)
    ),
    "GradientBoostingRegressor of single leaves": Case(
        GradientBoostingRegressor(n_estimators=3, min_samples_leaf=100)
    ),
    "GradientBoostingRegressor of small leaves": Case(
        GradientBoostingRegressor(n_estimators=10, max_depth=None, **SMALL)
    ),
    "HistGradientBoostingRegressor": Case(HistGradientBoostingRegressor(max_iter=40, **SMALL)),
    "HistGradientBoostingRegressor of absolute loss": Case(
        HistGradientBoostingRegressor(max_iter=20, loss="absolute_error", **SMALL)
    ),
    "HistGradientBoostingRegressor of Poisson loss": Case(
        HistGradientBoostingRegressor(max_iter=20, loss="poisson", **SMALL)
    ),
    "HistGradientBoostingRegressor of gamma loss": Case(
        HistGradientBoostingRegressor(max_iter=20, loss="gamma", **SMALL)
    ),
    "HistGradientBoostingRegressor of single leaves": Case(
        HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=100)
    ),
    "Pipeline": Case(make_pipeline(StandardScaler(), Ridge()), sums=True),
    "LimitedVotingRegressor without limits": Case(
        LimitedVotingRegressor(MEMBERS, weights=[0.3, 0.9]), sums=True
    ),
    "LimitedVotingRegressor": Case(
        LimitedVotingRegressor(MEMBERS, weights=[0.3, 0.9], limits=[0.05, None]), sums=True
    ),
}
CASES = STEPS | ESTIMATORS


def training_matrix(case: Case) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    if case.codes:
        matrix = rng.integers(LEVELS - 1, size=(90, WIDTH)).astype(np.float32)
        matrix[:4] = LEVELS - 1
    else:
        matrix = rng.normal(size=(90, WIDTH)).astype(np.float32)
    if case.unknown:
        matrix[rng.random(matrix.shape) < 0.1] = np.nan
    return pd.DataFrame(matrix, columns=NAMES)


@cache
def fitted(name: str) -> tuple[Twin, Twin]:
    """The fitted estimator of a case and its compiled twin, both from a float matrix."""
    case = CASES[name]
    table = training_matrix(case)
    known = table.fillna(0.0)
    target = np.exp(0.3 * known["x0"] - 0.2 * known["x1"] * known["x3"]).to_numpy()
    estimator: Any = case.estimator.fit(table.astype(float), target)
    compute = estimator.predict if hasattr(estimator, "predict") else estimator.transform

    def original(matrix: Matrix) -> Matrix:
        result = np.asarray(compute(pd.DataFrame(matrix.astype(float), columns=NAMES)))
        return result if result.ndim == 2 else result[:, None]

    return original, compiled(estimator, original(table.to_numpy()).shape[1])


def compiled(estimator: BaseEstimator, width: int) -> Twin:
    """The graph of a fitted estimator with ``width`` columns of results."""
    graph = GraphBuilder()
    source = graph.source("houses", WIDTH)
    result = convert(estimator, graph, graph.cast(source, TensorProto.DOUBLE))
    names = [f"column{j}" for j in range(width)]
    columns = {name: graph.columns(result, [j]) for j, name in enumerate(names)}
    content = graph.finish(source="houses", columns=WIDTH, results=columns)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda matrix: np.hstack(session.run(names, {"houses": matrix}))


def assert_twins_agree(name: str, matrix: Matrix) -> None:
    original, twin = fitted(name)
    with np.errstate(over="ignore", invalid="ignore"):  # products of extremes, in both
        expected, actual = original(matrix), twin(matrix)
        assert actual.dtype == np.float64
        assert actual.shape == expected.shape
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
        size = np.abs(expected)
        if CASES[name].sums:
            size = np.maximum(
                size, np.nan_to_num(np.abs(matrix.astype(float))).max(axis=1)[:, None]
            )
        close = (np.abs(actual - expected) <= 1e-12 * size + 1e-13) | (actual == expected)
    assert (close | np.isnan(expected)).all(), (expected[~close], actual[~close])


def matrices(case: Case) -> st.SearchStrategy[Matrix]:
    """Small float matrices of what a case meets, extremes included."""
    unknown = [st.just(np.nan)] if case.unknown else []
    if case.codes:
        values = st.one_of(st.integers(0, LEVELS + 3).map(float), *unknown)
    else:
        extremes = st.sampled_from([0.0, -0.0, LARGEST, -LARGEST, 1.0, 1e-45, -1e-38])
        values = st.one_of(
            st.floats(-10, 10, width=32), st.floats(-LARGEST, LARGEST, width=32), extremes, *unknown
        )
    shapes = st.tuples(st.integers(1, 6), st.just(WIDTH))
    return shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=values))


@pytest.mark.parametrize("name", CASES)
def test_converter_computes_what_the_estimator_does(name: str) -> None:
    case = CASES[name]

    @settings(max_examples=40)
    @given(matrices(case))
    def on(matrix: Matrix) -> None:
        assert_twins_agree(name, matrix)

    on()
    assert_twins_agree(name, training_matrix(case).to_numpy())
    if not case.codes:
        wide = np.random.default_rng(12).normal(size=(2000, WIDTH)).astype(np.float32)
        assert_twins_agree(name, wide)


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if "Boosting" in n and "single" not in n])
def test_trees_split_where_the_estimator_does_to_the_last_bit(name: str) -> None:
    fitted(name)
    trees = trees_of(CASES[name].estimator)
    exact = np.unique(np.concatenate([t.threshold[t.left >= 0] for t in trees])).astype(np.float32)
    far = np.float32(9)
    around = np.concatenate([exact, np.nextafter(exact, -far), np.nextafter(exact, far)])
    rows = np.random.default_rng(13).normal(size=(len(around), WIDTH)).astype(np.float32)

    assert len(exact) > 20
    for column in range(WIDTH):
        matrix = rows.copy()
        matrix[:, column] = around
        assert_twins_agree(name, matrix)


def test_estimator_without_a_converter_is_refused_by_name() -> None:
    class Unheard(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        pass

    with pytest.raises(TypeError, match="no ONNX converter for Unheard; register one with"):
        convert(Unheard(), GraphBuilder(), "x")


def test_equal_constants_are_stored_once() -> None:
    graph = GraphBuilder()

    assert graph.constant([[1.0]]) == graph.constant([[1.0]])
    assert graph.constant([[1.0]]) != graph.constant([1.0])
    assert graph.constant([[1.0]]) != graph.constant([[1]], np.int64)
