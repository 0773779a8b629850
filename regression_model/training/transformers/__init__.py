"""The steps of the pipeline: scikit-learn estimators, each with its ONNX converter beside it."""

from regression_model.training.transformers.derived import DerivedFeatures
from regression_model.training.transformers.elapsed import ElapsedTime
from regression_model.training.transformers.impute import DeclaredImputer, MissingFlagger
from regression_model.training.transformers.levels import (
    LevelIndicators,
    OrdinalMapper,
    RareLevelGrouper,
)
from regression_model.training.transformers.power import LogTransformer, YeoJohnsonTransformer
from regression_model.training.transformers.ranges import RangeClipper
from regression_model.training.transformers.record_encoder import RecordEncoder
from regression_model.training.transformers.select import ColumnDropper, FeatureSelector
from regression_model.training.transformers.target_order import TargetOrderedEncoder

__all__ = [
    "ColumnDropper",
    "DeclaredImputer",
    "DerivedFeatures",
    "ElapsedTime",
    "FeatureSelector",
    "LevelIndicators",
    "LogTransformer",
    "MissingFlagger",
    "OrdinalMapper",
    "RangeClipper",
    "RareLevelGrouper",
    "RecordEncoder",
    "TargetOrderedEncoder",
    "YeoJohnsonTransformer",
]
