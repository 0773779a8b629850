"""ONNX converters of the scikit-learn estimators that a config may name."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.compiler.trees import before_rounding, ensemble, trees_of


@convert.register
def _(pipeline: Pipeline, graph: GraphBuilder, x: str) -> str:
    for _, step in pipeline.steps:
        x = convert(step, graph, x)
    return x


@convert.register(Lasso)
@convert.register(Ridge)
@convert.register(ElasticNet)
def _(model: Any, graph: GraphBuilder, x: str) -> str:
    return graph.sums(x, model.coef_.reshape(-1, 1), float(model.intercept_))


@convert.register
def _(scaler: StandardScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Div", graph.arithmetic("Sub", x, scaler.mean_), scaler.scale_)


@convert.register
def _(scaler: RobustScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Div", graph.arithmetic("Sub", x, scaler.center_), scaler.scale_)


@convert.register
def _(scaler: MinMaxScaler, graph: GraphBuilder, x: str) -> str:
    return graph.arithmetic("Add", graph.arithmetic("Mul", x, scaler.scale_), scaler.min_)


@convert.register
def _(model: GradientBoostingRegressor, graph: GraphBuilder, x: str) -> str:
    base = 0.0 if isinstance(model.init_, str) else float(np.ravel(model.init_.constant_)[0])
    trees = [t._replace(threshold=before_rounding(t.threshold)) for t in trees_of(model)]
    return ensemble(graph, x, trees, base)


@convert.register
def _(model: HistGradientBoostingRegressor, graph: GraphBuilder, x: str) -> str:
    base = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001  # fitted, not public
    total = ensemble(graph, x, trees_of(model), base)
    return graph.op("Exp", total) if model.loss in ("poisson", "gamma") else total
