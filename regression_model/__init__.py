"""House prices from a versioned, verified model.

``make_prediction`` values houses, ``validate_inputs`` checks them, ``load_model`` opens an
artifact. Importing this package does no I/O and loads no model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regression_model.answer import Prediction
    from regression_model.artifact import origin_of
    from regression_model.artifact_folders import copy_artifact
    from regression_model.errors import (
        ArtifactCorrupt,
        ArtifactError,
        ArtifactIncompatible,
        ChangeTooLarge,
        CheckFailed,
        ConfigError,
        DataError,
        FetchFailed,
        GateFailed,
        InvalidInput,
        MalformedJSON,
        MissingDependency,
        ModelNotFound,
        ParityError,
        PromotionRefused,
        RegistryFailed,
        RegressionModelError,
        ReleaseUnavailable,
        StudyRefused,
        TrackingFailed,
    )
    from regression_model.explaining.comparables import Comparable
    from regression_model.explaining.explain import Baseline, Explanation
    from regression_model.model import Model, Validation
    from regression_model.predict import load_model, make_prediction, validate_inputs
    from regression_model.reading.issues import Issue, Omitted, count_by_code
    from regression_model.reading.validation import Request, parse_request

__all__ = [
    "ArtifactCorrupt",
    "ArtifactError",
    "ArtifactIncompatible",
    "Baseline",
    "ChangeTooLarge",
    "CheckFailed",
    "Comparable",
    "ConfigError",
    "DataError",
    "Explanation",
    "FetchFailed",
    "GateFailed",
    "InvalidInput",
    "Issue",
    "MalformedJSON",
    "MissingDependency",
    "Model",
    "ModelNotFound",
    "Omitted",
    "ParityError",
    "Prediction",
    "PromotionRefused",
    "RegistryFailed",
    "RegressionModelError",
    "ReleaseUnavailable",
    "Request",
    "StudyRefused",
    "TrackingFailed",
    "Validation",
    "copy_artifact",
    "count_by_code",
    "load_model",
    "make_prediction",
    "origin_of",
    "parse_request",
    "validate_inputs",
]

_HOMES = {
    "Baseline": "explaining.explain",
    "Comparable": "explaining.comparables",
    "Explanation": "explaining.explain",
    "Issue": "reading.issues",
    "Model": "model",
    "Omitted": "reading.issues",
    "Prediction": "answer",
    "Request": "reading.validation",
    "Validation": "model",
    "copy_artifact": "artifact_folders",
    "count_by_code": "reading.issues",
    "load_model": "predict",
    "make_prediction": "predict",
    "origin_of": "artifact",
    "parse_request": "reading.validation",
    "validate_inputs": "predict",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("regression_model.version").VERSION
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
