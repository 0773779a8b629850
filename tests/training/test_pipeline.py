"""Every option of the config builds a pipeline that fits, compiles and equals its twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from regression_model.config.reader import bundled_config, parse_spec
from regression_model.config.spec import Member, Selection, Spec
from regression_model.sales.table import Sales
from regression_model.scorer import INPUT_NAME, OUTPUT_NAMES
from regression_model.training.fit import train
from regression_model.training.pipeline import build_pipeline, build_plain_lasso
from regression_model.training.twin.compile import compile_pipeline
from regression_model.training.twin.parity import prove_parity

ROWS = 120
FEW: dict[str, Any] = {"n_estimators": 8, "max_depth": 3}


def test_first_step_gives_79_numeric_columns(spec: Spec, sales: Sales) -> None:
    matrix = build_pipeline(spec)[:1].fit_transform(sales.frame)

    assert matrix.shape == (len(sales.prices), 79)
    assert list(matrix.columns) == [f.name for f in spec.inputs]
    assert (matrix.dtypes == np.float64).all()


def test_every_later_step_is_numeric(spec: Spec, trained: Any, sales: Sales) -> None:
    matrix = trained.pipeline[:1].transform(sales.frame)
    for _, step in trained.pipeline.steps[1:-1]:
        matrix = step.transform(matrix)
        assert (matrix.dtypes == np.float64).all()
    assert not matrix.isna().to_numpy().any()
    for member in trained.pipeline[-1].regressor_.estimators_:
        assert np.isfinite(member[:-1].transform(matrix).to_numpy()).all()


def test_pipeline_is_unfitted_and_can_be_cloned(spec: Spec, sales: Sales) -> None:
    pipeline = clone(build_pipeline(spec))

    assert isinstance(pipeline, Pipeline)
    with pytest.raises(ValueError, match="is not fitted yet"):
        pipeline.predict(sales.frame)


def test_prices_go_in_and_come_out_in_dollars(spec: Spec, trained: Any, sales: Sales) -> None:
    predicted = trained.pipeline.predict(sales.frame)

    assert np.abs(np.log(predicted / sales.prices)).mean() < 0.2


def test_weights_blend_the_logarithms_of_the_members(
    spec: Spec, trained: Any, sales: Sales
) -> None:
    final = trained.pipeline[-1]
    matrix = trained.pipeline[:-1].transform(sales.frame)
    logs = [member.predict(matrix) for member in final.regressor_.estimators_]
    weights = [member.weight for member in spec.members]
    limits = [member.limit for member in spec.members]
    free = [k for k, limit in enumerate(limits) if limit is None]
    anchor = np.average([logs[k] for k in free], axis=0, weights=[weights[k] for k in free])
    held = [
        log if limit is None else np.clip(log, anchor - limit, anchor + limit)
        for log, limit in zip(logs, limits, strict=True)
    ]
    assert not np.array_equal(held, logs)

    np.testing.assert_allclose(
        final.predict(matrix), np.exp(np.average(held, axis=0, weights=weights)), rtol=1e-12
    )


def test_plain_lasso_learns_from_the_same_records(spec: Spec, sales: Sales) -> None:
    lasso = build_plain_lasso(spec).fit(sales.frame, sales.prices)

    assert np.isfinite(lasso.predict(sales.frame)).all()


OPTIONS: dict[str, dict[str, Any]] = {
    "nothing but the estimator": {},
    "indicators": {"nominal": "indicators"},
    "target ordered": {"nominal": "target ordered"},
    "codes": {"nominal": "codes"},
    "no scale": {"scale": "none"},
    "standard": {"scale": "standard"},
    "robust": {"scale": "robust"},
    "min-max": {"scale": "min-max"},
    "rare levels": {"rare_levels": 0.05},
    "rare levels of codes": {"rare_levels": 0.3, "nominal": "codes"},
    "rare levels ordered": {"rare_levels": 0.05, "nominal": "target ordered"},
    "transform": {"transform": True},
    "drop": {"drop": ("LotArea", "Neighborhood", "TotalSF", "LotFrontage_missing")},
    "drop what is transformed": {"drop": ("LotArea", "GrLivArea"), "transform": True},
    "quasi-constant": {"select": Selection(quasi_constant=0.95)},
    "duplicate": {"select": Selection(duplicate=True)},
    "correlated": {"select": Selection(correlated=0.8)},
    "chosen by a linear model": {"select": Selection(linear_model=0.01)},
    "every selection": {
        "select": Selection(quasi_constant=0.98, duplicate=True, correlated=0.9, linear_model=0.005)
    },
    "everything": {
        "rare_levels": 0.02,
        "nominal": "target ordered",
        "transform": True,
        "scale": "min-max",
        "drop": ("YrSold",),
        "select": Selection(quasi_constant=0.99, duplicate=True, linear_model=0.002),
        "estimator": "Lasso",
        "hyperparameters": {"alpha": 0.001},
    },
    "Lasso": {"estimator": "Lasso", "hyperparameters": {"alpha": 0.01}, "scale": "standard"},
    "ElasticNet": {
        "estimator": "ElasticNet",
        "hyperparameters": {"alpha": 0.01, "l1_ratio": 0.3},
        "scale": "robust",
    },
    "GradientBoostingRegressor": {
        "estimator": "GradientBoostingRegressor",
        "hyperparameters": FEW,
        "nominal": "codes",
    },
    "GradientBoostingRegressor of scaled columns": {
        "estimator": "GradientBoostingRegressor",
        "hyperparameters": FEW,
        "transform": True,
        "scale": "standard",
    },
    "HistGradientBoostingRegressor": {
        "estimator": "HistGradientBoostingRegressor",
        "hyperparameters": {"max_iter": 8, "min_samples_leaf": 5},
        "nominal": "target ordered",
    },
}


def alone(spec: Spec, options: dict[str, Any]) -> Spec:
    """``spec`` with a single member, and logarithm and power among its transforms."""
    base: dict[str, Any] = {"name": "only", "weight": 1.0, "estimator": "Ridge"}
    powered = ("LotArea", "MasVnrArea", "YearBuilt", "BsmtUnfSF")
    features = tuple(
        f.model_copy(update={"transform": "power"}) if f.name in powered else f
        for f in spec.features
    )
    return spec.model_copy(
        update={"members": (Member(**{**base, **options}),), "features": features}
    )


def fit(spec: Spec, sales: Sales) -> tuple[Pipeline, bytes]:
    pipeline = build_pipeline(spec).fit(sales.frame[:ROWS], sales.prices[:ROWS])
    return pipeline, compile_pipeline(pipeline)


@pytest.mark.parametrize("options", [pytest.param(o, id=name) for name, o in OPTIONS.items()])
def test_member_with_option_fits_compiles_and_equals_its_twin(
    options: dict[str, Any], spec: Spec, sales: Sales
) -> None:
    changed = alone(spec, options)
    pipeline, graph = fit(changed, sales)
    parity = prove_parity(changed, pipeline, None, graph, sales.frame)

    assert max(parity.largest_on_training, parity.largest_on_edges) < 0.01


SPECS: dict[str, dict[str, Any]] = {
    "no missing indicators": {"missing_indicators": ()},
    "no years elapsed": {"elapsed": ()},
    "no derived features": {"derived": ()},
    "none of them": {"missing_indicators": (), "elapsed": (), "derived": ()},
    "every input flagged": {"missing_indicators": "inputs"},
}


@pytest.mark.parametrize("changes", [pytest.param(c, id=name) for name, c in SPECS.items()])
def test_spec_without_a_part_fits_compiles_and_equals_its_twin(
    changes: dict[str, Any], spec: Spec, sales: Sales
) -> None:
    if changes.get("missing_indicators") == "inputs":
        changes = {"missing_indicators": tuple(f.name for f in spec.inputs)}
    changed = alone(spec, {"scale": "standard"}).model_copy(update=changes)
    pipeline, graph = fit(changed, sales)

    parity = prove_parity(changed, pipeline, None, graph, sales.frame)
    assert max(parity.largest_on_training, parity.largest_on_edges) < 0.01


def test_graph_names_its_matrix_and_two_double_results(spec: Spec, trained: Any) -> None:
    import onnx

    graph = onnx.load_from_string(trained.graph).graph
    (houses,) = graph.input

    assert houses.name == INPUT_NAME
    assert houses.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert houses.type.tensor_type.shape.dim[1].dim_value == len(spec.inputs)
    assert [value.name for value in graph.output] == OUTPUT_NAMES
    assert {value.type.tensor_type.elem_type for value in graph.output} == {onnx.TensorProto.DOUBLE}


COURSE = """\
missing_indicators: LotFrontage, GarageYrBlt
elapsed: YearBuilt, YearRemodAdd, GarageYrBlt
derived:
  HasSecondBasement:
    description: The basement has a second finished area
    flag: BsmtFinSF2 > 0
  HasEnclosedPorch:
    description: The house has an enclosed porch
    flag: EnclosedPorch > 0
  IsPartial:
    description: The house was not finished
    flag: SaleCondition = Partial
members:
  course:
    weight: 1
    rare_levels: 0.01
    nominal: target ordered
    transform: true
    scale: min-max
    drop: YearBuilt, YearRemodAdd, GarageYrBlt, YrSold, BsmtFinSF2, EnclosedPorch
    select:
      linear_model: 0.001
    estimator: Lasso
    hyperparameters:
      alpha: 0.001
validation:
  folds: 3
  holdout: 0.1
gates:
  sample:
    rmsle: 0.25
"""


@pytest.fixture(scope="module")
def course() -> Spec:
    """The well-known tutorial pipeline for these data, as a config."""
    features = bundled_config().split("\n# Columns that say which", 1)[0]
    for old, new in (
        ("impute: median by Neighborhood", "impute: mean"),
        ("levels: IR3, IR2, IR1, Reg\n", "levels: IR3, IR2, IR1, Reg\n    scores: 1, 2, 3, 5\n"),
    ):
        assert features.count(old) == 1
        features = features.replace(old, new)
    return parse_spec(f"{features}\n\n{COURSE}", label="course.yml")


def test_what_the_course_does_is_a_config(course: Spec, sales: Sales) -> None:
    fitted = train(course, sales)
    scores = fitted.judgement.cross_validated

    assert scores["model"]["rmsle"] < 0.6 * scores["mean"]["rmsle"]
    assert fitted.parity.largest_on_edges < 0.01


def test_steps_of_the_course_do_what_the_course_does(course: Spec, sales: Sales) -> None:
    pipeline = build_pipeline(course).fit(sales.frame, sales.prices)
    shared = pipeline[:-1].transform(sales.frame)
    member = pipeline[-1].regressor_.estimators_[0]
    raw = pipeline[:1].transform(sales.frame)

    unknown = raw["LotFrontage"].isna()
    assert unknown.any()
    np.testing.assert_allclose(
        shared["LotFrontage"][unknown], raw["LotFrontage"].mean(), rtol=1e-12
    )
    np.testing.assert_array_equal(shared["LotFrontage_missing"], unknown)
    np.testing.assert_array_equal(shared["YearBuilt_elapsed"], raw["YrSold"] - raw["YearBuilt"])
    np.testing.assert_array_equal(shared["HasEnclosedPorch"], raw["EnclosedPorch"] > 0)
    partial = course.feature("SaleCondition").levels.index("Partial")
    np.testing.assert_array_equal(shared["IsPartial"], raw["SaleCondition"] == partial)
    scores = pd.Series([1.0, 2.0, 3.0, 5.0])
    np.testing.assert_array_equal(shared["LotShape"], scores[raw["LotShape"].to_numpy(int)])

    names = [name for name, _ in member.steps]
    assert names == ["drop", "group_rare", "order_by_target", "log", "select", "scale", "estimate"]
    assert "YrSold" not in member[:1].get_feature_names_out()
    scaled = member[:-1].transform(shared)
    assert 1 < scaled.shape[1] < shared.shape[1]
    plain = scaled[[c for c in scaled if c not in {f.name for f in course.inputs if f.has_levels}]]
    np.testing.assert_allclose(plain.min(), 0, atol=1e-12)
    np.testing.assert_allclose(plain.max(), 1, rtol=1e-12)
