"""Save the fitted pipeline as an MLflow model in the folder that is named."""

from __future__ import annotations

import sys

import mlflow.sklearn

from benchmarks.apps import load_pipeline

if __name__ == "__main__":
    # Requirements are not inferred, which would load the model in yet another process.
    mlflow.sklearn.save_model(
        load_pipeline(), sys.argv[1], serialization_format="cloudpickle", pip_requirements=[]
    )
