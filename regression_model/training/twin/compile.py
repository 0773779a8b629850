"""The fitted pipeline as an ONNX graph: its twin, which is what serving runs."""

from __future__ import annotations

from typing import Any, cast

from onnx import TensorProto
from sklearn.pipeline import Pipeline

from regression_model.scorer import INPUT_NAME
from regression_model.training.compiler import converters  # noqa: F401  # registers them
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.difficulty import DifficultyRegressor, difficulty_nodes
from regression_model.training.estimators.blend import apart_nodes, combine_nodes, member_nodes


def compile_pipeline(pipeline: Pipeline, difficulty: DifficultyRegressor | None = None) -> bytes:
    """Convert a fitted pipeline to an ONNX graph.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A fitted :func:`~regression_model.training.pipeline.build_pipeline`.
    difficulty : DifficultyRegressor, optional
        Fitted estimator that scales ranges. Default: difficulty is 1 for every house.

    Returns
    -------
    bytes
        The graph. It takes the float32 matrix of the first step, shape ``(n, inputs)``, and gives
        ``log_price`` and ``difficulty``, both float64, shape ``(n, 1)``.
    """
    (_, encoder), *steps, (_, final) = cast(list[tuple[str, Any]], pipeline.steps)
    width = len(encoder.get_feature_names_out())
    graph = GraphBuilder()
    source = graph.cast(graph.source(INPUT_NAME, width), TensorProto.DOUBLE)
    prepared = source
    for _, step in steps:
        prepared = convert(step, graph, prepared)
    blend = final.regressor_
    anchor, apart = apart_nodes(blend, graph, member_nodes(blend, graph, prepared))
    log_price = combine_nodes(blend, graph, anchor, apart)
    spread = difficulty_nodes(
        difficulty,
        graph,
        source=source,
        prepared=prepared,
        apart=apart,
        log_price=log_price,
    )
    return graph.finish(
        source=INPUT_NAME,
        columns=width,
        results={"log_price": log_price, "difficulty": spread},
    )
