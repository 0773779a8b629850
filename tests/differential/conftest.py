"""A small model, and others that differ from it by one fault each."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from regression_model import load_model
from regression_model.artifact import GRAPH, open_artifact
from regression_model.artifact_folders import save_artifact
from regression_model.differential.compare import Difference, compare
from regression_model.differential.houses import generated_houses
from regression_model.training.twin.compile import compile_pipeline

Fault = Callable[[Any], None]


@pytest.fixture(scope="session")
def variant(
    artifact: Path, trained: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Make the artifact anew with a ``fault`` of its fitted pipeline, another graph or manifest."""
    base = open_artifact(artifact)

    def make(fault: Fault | None = None, graph: bytes | None = None, **changed: Any) -> Path:
        files = {name: base.read(name) for name in base.manifest["files"]}
        if graph is not None:
            files[GRAPH] = graph
        if fault is not None:
            pipeline = copy.deepcopy(trained.pipeline)
            fault(pipeline)
            files[GRAPH] = compile_pipeline(pipeline, trained.difficulty)
        kept = json.loads(json.dumps(dict(base.manifest)))
        version = changed.pop("version", kept["version"])
        for name in ("digest", "files", "format", "version"):
            del kept[name]
        root: Path = tmp_path_factory.mktemp("variant")
        save_artifact(root, version=version, manifest={**kept, **changed}, files=files)
        return root

    return make


@pytest.fixture(scope="session")
def compared(model: Any) -> Callable[[Path], Difference]:
    """What the small model and another are apart on generated houses."""

    def run(other: Path) -> Difference:
        candidate = load_model(other)
        houses = generated_houses(model, candidate, count=300)
        return compare(model, candidate, houses, movers=3)

    return run


@pytest.fixture(scope="session")
def higher_priced(variant: Callable[..., Path], artifact: Path) -> Path:
    """A model that values every house 20% higher: a constant of its graph is another."""
    graph = onnx.load_from_string(open_artifact(artifact).read(GRAPH))
    for node in graph.graph.node:
        for names in (node.input, node.output):
            names[:] = ["before" if name == "log_price" else name for name in names]
    amount = onnx.numpy_helper.from_array(np.array([np.log(1.2)]), "amount")
    graph.graph.initializer.append(amount)
    graph.graph.node.append(onnx.helper.make_node("Add", ["before", "amount"], ["log_price"]))
    return variant(graph=graph.SerializeToString())
