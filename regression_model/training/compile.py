"""The fitted pipeline as an ONNX graph: its twin, which is what serving runs."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from onnx import TensorProto
from sklearn.pipeline import Pipeline

from regression_model.scorer import INPUT_NAME
from regression_model.training import blend, estimators  # noqa: F401  # register converters
from regression_model.training.graph import GraphBuilder, convert


def compile_pipeline(pipeline: Pipeline) -> bytes:
    """Convert a fitted :func:`~regression_model.training.pipeline.build_pipeline`.

    The graph takes the float matrix of the first step, shape ``(n, inputs)``, and gives
    ``log_price`` and ``difficulty``, both double, shape ``(n, 1)``. Difficulty scales the range;
    it is 1 throughout.
    """
    (_, encoder), *steps, (_, final) = cast(list[tuple[str, Any]], pipeline.steps)
    width = len(encoder.get_feature_names_out())
    graph = GraphBuilder()
    x = graph.cast(graph.source(INPUT_NAME, width), TensorProto.DOUBLE)
    for _, step in steps:
        x = convert(step, graph, x)
    log_price = convert(final.regressor_, graph, x)
    one = np.ones((1, 1))
    difficulty = graph.op("Expand", graph.constant(one), graph.op("Shape", log_price))
    return graph.finish(
        source=INPUT_NAME,
        columns=width,
        results={"log_price": log_price, "difficulty": difficulty},
    )
