"""The keys of ``config.yml`` and the types of their values."""

from __future__ import annotations

from typing import Any, get_args

import strictyaml as sy

from regression_model.config.estimators import ESTIMATORS
from regression_model.config.formulas import FORMULAS
from regression_model.config.spec import Kind, NominalEncoding, Role, Scale, Transform

KNOWN_KEYS: set[str] = set()


def _map(keys: dict[Any, Any]) -> Any:
    KNOWN_KEYS.update(getattr(key, "key", key) for key in keys)
    return sy.Map(keys)


class _List(sy.ScalarValidator):  # type: ignore[misc]  # strictyaml has no types
    """Items separated by commas; an empty one is an empty text, not a crash."""

    def __init__(self, item: type[str] | type[float] = str) -> None:
        self._item = item

    def validate_scalar(self, chunk: Any) -> list[Any]:
        if not chunk.contents.strip():
            return []
        try:
            return [self._item(part.strip()) for part in chunk.contents.split(",")]
        except ValueError:
            chunk.expecting_but_found("when expecting numbers separated by commas")
            raise


def _choice(literal: Any) -> Any:
    return sy.Enum(list(get_args(literal)))


SCALAR = sy.Int() | sy.Float() | sy.Bool() | sy.Str()
_FEATURE = _map(
    {
        "description": sy.Str(),
        "kind": _choice(Kind),
        sy.Optional("role"): _choice(Role),
        sy.Optional("type"): sy.Enum(["number", "integer", "text"]),
        sy.Optional("unit"): sy.Str(),
        sy.Optional("levels"): _List(),
        sy.Optional("scores"): _List(float),
        sy.Optional("spellings"): sy.MapPattern(sy.Str(), sy.Str()),
        sy.Optional("aliases"): _List(),
        sy.Optional("minimum"): sy.Float(),
        sy.Optional("maximum"): sy.Float(),
        sy.Optional("range"): _List(float),
        sy.Optional("null_means"): sy.Str(),
        sy.Optional("required"): sy.Bool(),
        sy.Optional("impute"): sy.Str(),
        sy.Optional("transform"): _choice(Transform),
    }
)
_DERIVED = _map(
    {
        "description": sy.Str(),
        **{sy.Optional(formula): sy.Str() for formula in FORMULAS},
        sy.Optional("transform"): _choice(Transform),
    }
)
_MEMBER = _map(
    {
        "weight": sy.Float(),
        sy.Optional("limit"): sy.Float(),
        "estimator": sy.Enum([*ESTIMATORS]),
        sy.Optional("rare_levels"): sy.Float(),
        sy.Optional("nominal"): _choice(NominalEncoding),
        sy.Optional("transform"): sy.Bool(),
        sy.Optional("scale"): _choice(Scale),
        sy.Optional("drop"): _List(),
        sy.Optional("select"): _map(
            {
                sy.Optional("quasi_constant"): sy.Float(),
                sy.Optional("duplicate"): sy.Bool(),
                sy.Optional("correlated"): sy.Float(),
                sy.Optional("linear_model"): sy.Float(),
            }
        ),
        sy.Optional("hyperparameters"): sy.MapPattern(sy.Str(), SCALAR),
    }
)
SCHEMA = _map(
    {
        "name": sy.Str(),
        "seed": sy.Int(),
        "coverage": sy.Float(),
        "null_markers": _List(),
        "features": sy.MapPattern(sy.Str(), _FEATURE),
        sy.Optional("missing_indicators"): _List(),
        sy.Optional("elapsed"): _List(),
        sy.Optional("derived"): sy.MapPattern(sy.Str(), _DERIVED),
        "members": sy.MapPattern(sy.Str(), _MEMBER),
        sy.Optional("search"): sy.MapPattern(sy.Str(), sy.MapPattern(sy.Str(), sy.Str())),
        sy.Optional("difficulty"): _map(
            {
                "copies": sy.Int(),
                sy.Optional("hyperparameters"): sy.MapPattern(sy.Str(), SCALAR),
            }
        ),
        "validation": sy.Map({"folds": sy.Int(), "holdout": sy.Float()}),
        "gates": sy.MapPattern(sy.Enum(["file", "sample"]), sy.MapPattern(sy.Str(), _List(float))),
        sy.Optional("differential"): sy.MapPattern(sy.Str(), sy.Float()),
        sy.Optional("tracking"): _map(
            {sy.Optional("uri"): sy.Str(), sy.Optional("experiment"): sy.Str()}
        ),
    }
)
