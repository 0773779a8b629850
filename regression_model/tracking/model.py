"""A saved artifact as a model of MLflow, in the form that any of its tools loads."""

from __future__ import annotations

import shutil
from contextlib import redirect_stderr
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from regression_model.answer import NUMBERS, TEXTS
from regression_model.artifact import Artifact
from regression_model.artifact_folders import copy_artifact
from regression_model.config.spec import Spec
from regression_model.golden import golden_houses
from regression_model.version import DISTRIBUTION, VERSION

CODE = Path(__file__).with_name("pyfunc.py")
EXAMPLE_ROWS = 2


def save_model(artifact: Artifact, folder: Path) -> Path:
    """Save ``artifact``, but for its pickles, as an MLflow model in a new folder; return that."""
    spec = Spec.model_validate(artifact.manifest["spec"])
    served = copy_artifact(artifact, folder / "served")
    saved = folder / "model"
    with redirect_stderr(StringIO()):  # what MLflow says of types, and its progress bars
        mlflow.pyfunc.save_model(
            str(saved),
            python_model=str(CODE),
            artifacts={"artifact": str(served)},
            signature=signature_of(spec),
            input_example=_example(artifact),
            pip_requirements=[
                f"{DISTRIBUTION}=={VERSION}",
                *(f"{name}=={version(name)}" for name in ("mlflow", "pandas")),
            ],
        )
    shutil.rmtree(folder / "served")
    return saved


def _example(artifact: Artifact) -> pd.DataFrame:
    """Return houses that the artifact keeps with their prices."""
    priced = [one["house"] for one in golden_houses(artifact) if one["prediction"] is not None]
    return pd.DataFrame(priced[:EXAMPLE_ROWS])


def signature_of(spec: Spec) -> ModelSignature:
    """Return every column may be missing or null, but for those that the config requires.

    Numbers are of any type: MLflow takes no 64-bit integers for doubles, and an integer column of
    its own cannot hold a null. What a value may be is judged by the rules of serving.
    """
    columns = [
        ColSpec("string" if f.type == "text" else AnyType(), f.name, required=f.required)
        for f in spec.features
        if f.role != "target"
    ]
    outputs = [
        ColSpec("string" if column.kind is str else "double", column.name)
        for column in (*NUMBERS, *TEXTS)
    ]
    outputs.append(ColSpec("string", "explanation", required=False))
    explain = ParamSpec("explain", "boolean", False)
    return ModelSignature(Schema(columns), Schema(outputs), ParamSchema([explain]))
