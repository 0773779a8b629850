"""The estimators that a member of the blend may name, each declared once.

Everything else asks these declarations: the values that ``config.yml`` may have, the pipeline and
the table in docs/configuration.md. Hyperparameters, their defaults and their bounds are those of
the class. An estimator also needs its converter to ONNX (``training/compiler/converters.py``, or
beside the class).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Estimator(NamedTuple):
    """The class of an estimator by module and name, and what the estimator is.

    The class is imported when it is asked for: code that only reads a config or a manifest
    needs no library of training.
    """

    module: str
    name: str
    description: str

    def load(self) -> Any:
        """Import the class."""
        return getattr(import_module(self.module), self.name)


_OUR_OWN = "regression_model.training.estimators"
_DECLARED = (
    Estimator("sklearn.linear_model", "Lasso", "linear, many coefficients zero"),
    Estimator("sklearn.linear_model", "Ridge", "linear, small coefficients"),
    Estimator("sklearn.linear_model", "ElasticNet", "linear, between `Lasso` and `Ridge`"),
    Estimator(
        f"{_OUR_OWN}.huber",
        "HuberElasticNet",
        "an `ElasticNet` that a few distant sales cannot bend",
    ),
    Estimator(
        f"{_OUR_OWN}.kernel",
        "LandmarkKernelRegressor",
        "ridge on likeness to landmarks, [below](#the-kernel-member)",
    ),
    Estimator(
        "sklearn.ensemble",
        "GradientBoostingRegressor",
        "boosted trees, each split chosen among all values",
    ),
    Estimator(
        "sklearn.ensemble",
        "HistGradientBoostingRegressor",
        "boosted trees, each split chosen among binned values; quicker on many rows",
    ),
)
ESTIMATORS = {estimator.name: estimator for estimator in _DECLARED}
