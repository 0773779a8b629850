"""From the spec to an unfitted scikit-learn pipeline."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from regression_model.config.estimators import ESTIMATORS
from regression_model.config.formulas import FORMULAS
from regression_model.config.spec import Derived, Feature, Imputation, Member, Spec
from regression_model.training.estimators.blend import LimitedVotingRegressor
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
    RecordEncoder,
    TargetOrderedEncoder,
    YeoJohnsonTransformer,
)

SCALERS = {"standard": StandardScaler, "robust": RobustScaler, "min-max": MinMaxScaler}

Steps = list[tuple[str, Any]]


def build_pipeline(spec: Spec) -> Pipeline:
    """Build the unfitted pipeline that a specification describes.

    The first step encodes records into a numeric matrix; all later steps are numeric. Logarithm and
    exponential of the price are in the last step.

    Parameters
    ----------
    spec : Spec
        Description of columns and model.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes houses (DataFrame or list of dict) and predicts dollars.
    """
    members = [(member.name, _member_pipeline(spec, member)) for member in spec.members]
    blend = LimitedVotingRegressor(
        members,
        weights=[member.weight for member in spec.members],
        limits=[member.limit for member in spec.members],
    )
    return _named([*_shared_steps(spec), ("blend", _on_logarithm(blend))])


def build_plain_lasso(spec: Spec) -> Pipeline:
    """Return the baseline: encoding, medians, indicators, scaling and a Lasso."""
    nominal = [f.name for f in spec.inputs if f.kind == "nominal"]
    lasso = _named(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("indicators", LevelIndicators(nominal)),
            ("scale", StandardScaler()),
            ("lasso", Lasso(alpha=0.002, max_iter=20_000)),
        ]
    )
    return _named([("encode", RecordEncoder(spec)), ("lasso", _on_logarithm(lasso))])


def _on_logarithm(regressor: Any) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(
        regressor=regressor, func=np.log, inverse_func=np.exp, check_inverse=False
    )


def _named(steps: Steps) -> Pipeline:
    """Return a pipeline whose steps pass on DataFrames, so that each finds columns by name."""
    return Pipeline(steps).set_output(transform="pandas")


def _shared_steps(spec: Spec) -> Steps:
    features = {f.name: f for f in spec.inputs}
    ranges = {f.name: f.range for f in spec.inputs if f.range is not None}
    scores = {f.name: f.scores for f in spec.inputs if f.scores}
    steps: Steps = [("encode", RecordEncoder(spec))]
    if spec.missing_indicators:
        steps.append(("flag_missing", MissingFlagger(spec.missing_indicators)))
    steps.append(("impute", DeclaredImputer({n: _in_codes(f) for n, f in features.items()})))
    steps.append(("clip", RangeClipper(ranges)))
    if spec.elapsed and spec.sale_year is not None:
        steps.append(("elapsed", ElapsedTime(spec.elapsed, spec.sale_year.name)))
    if spec.derived:
        formulas = [_with_code(d, features) for d in spec.derived]
        steps.append(("derive", DerivedFeatures(formulas)))
    if scores:
        steps.append(("score_levels", OrdinalMapper(scores)))
    return steps


def _member_pipeline(spec: Spec, member: Member) -> Pipeline:
    nominal = [f.name for f in spec.inputs if f.kind == "nominal" and f.name not in member.drop]
    steps: Steps = []
    if member.drop:
        steps.append(("drop", ColumnDropper(member.drop)))
    if member.rare_levels and nominal:
        steps.append(("group_rare", RareLevelGrouper(nominal, member.rare_levels)))
    if member.nominal == "target ordered" and nominal:
        steps.append(("order_by_target", TargetOrderedEncoder(nominal, random_state=spec.seed)))
    elif member.nominal == "indicators" and nominal:
        steps.append(("indicators", LevelIndicators(nominal)))
    if member.transform:
        steps += _skew_steps(spec, member)
    steps.append(("select", FeatureSelector(**member.select.model_dump())))
    if member.scale != "none":
        steps.append(("scale", SCALERS[member.scale]()))
    steps.append(("estimate", _estimator(spec, member)))
    return _named(steps)


def _skew_steps(spec: Spec, member: Member) -> Steps:
    columns: dict[str, list[str]] = {"log": [], "power": []}
    every: tuple[Feature | Derived, ...] = (*spec.inputs, *spec.derived)
    for column in every:
        if column.transform != "none" and column.name not in member.drop:
            columns[column.transform].append(column.name)
    steps: Steps = []
    if columns["log"]:
        steps.append(("log", LogTransformer(columns["log"])))
    if columns["power"]:
        steps.append(("power", YeoJohnsonTransformer(columns["power"])))
    return steps


def _estimator(spec: Spec, member: Member) -> Any:
    kind = ESTIMATORS[member.estimator].load()
    hyperparameters = dict(member.hyperparameters)
    if "random_state" in kind().get_params():
        hyperparameters.setdefault("random_state", spec.seed)
    return kind(**hyperparameters)


def _in_codes(f: Feature) -> Imputation:
    if f.impute.method == "constant" and f.has_levels:
        code = f.levels.index(f.impute.value)
        return f.impute.model_copy(update={"value": float(code)})
    return f.impute


def _with_code(d: Derived, features: dict[str, Feature]) -> Derived:
    """Return the same formula, whose flag compares with the code of a level or with a float."""
    source = features.get(d.terms[0].feature)
    if not FORMULAS[d.formula].compares:
        return d
    if source is None or not source.has_levels:
        return d.model_copy(update={"value": float(cast(float, d.value))})
    return d.model_copy(update={"value": source.levels.index(d.value)})
