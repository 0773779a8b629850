"""The one description of a model: its inputs, its transformations and its limits.

A :class:`Spec` is frozen and has two loaders: ``regression_model.config.reader`` reads it
from ``config.yml`` (offline), :meth:`Spec.model_validate` from an artifact's manifest (online).
Everything that needs to know a column asks the spec.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict

from regression_model.config.declared import one_of
from regression_model.config.estimators import ESTIMATORS
from regression_model.config.formulas import COMPARISONS, FORMULAS

Level = int | str
Limit = float | tuple[float, float]  # one side, whichever is worse; or lowest and highest
Kind = Literal["numeric", "ordinal", "nominal", "year"]
Role = Literal["plain", "identifier", "target", "sale date", "location"]
Scalar = Literal["number", "integer", "text"]
Transform = Literal["none", "log", "power"]
Scale = Literal["none", "standard", "robust", "min-max"]
NominalEncoding = Literal["indicators", "target ordered", "codes"]
EstimatorName = Annotated[str, one_of(ESTIMATORS)]
FormulaName = Annotated[str, one_of(FORMULAS)]
Comparison = Annotated[str, one_of(COMPARISONS)]

UNKNOWN = "unknown"
NONE = "none"

# What a section ``differential`` may limit; differential/limits.py measures each.
DIFFERENTIAL_FIGURES = (
    "moved_5", "moved_10", "median_move", "decile_shift", "contribution", "hidden", "beyond",
    "refused", "range_width", "coverage", "median_ratio", "cod", "prd", "prb",
)  # fmt: skip


_GIVEN, _VALUES = "__pydantic_fields_set__", "__dict__"


class Frozen(BaseModel):
    """A value object: immutable, and closed to keys it does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state to pickle, which does not depend on the process.

        A set would come in the order of hashes, and with the values the properties that somebody
        has asked for.
        """
        state = super().__getstate__()
        values = {name: state[_VALUES][name] for name in type(self).model_fields}
        return {**state, _GIVEN: sorted(state[_GIVEN]), _VALUES: values}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__({**state, _GIVEN: set(state[_GIVEN])})


class Imputation(Frozen):
    """How an unknown value is filled: a statistic, a constant, or another feature's value."""

    method: Literal["median", "mean", "most frequent", "constant", "feature"]
    by: str | None = None
    value: Level | float | None = None
    feature: str | None = None


class Feature(Frozen):
    """One column of the data.

    ``minimum`` and ``maximum`` bound what is possible (outside: an error), ``range`` what the
    model was trained on (outside: a warning). ``null_means`` is ``unknown``, ``none`` (the house
    has none, a year only) or one of ``levels``. ``spellings`` maps other spellings to levels.
    """

    name: str
    description: str
    kind: Kind
    role: Role = "plain"
    type: Scalar
    unit: str = ""
    levels: tuple[Level, ...] = ()
    scores: tuple[float, ...] = ()
    spellings: dict[str, Level] = {}
    aliases: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    range: tuple[float, float] | None = None
    null_means: Level = UNKNOWN
    required: bool = False
    impute: Imputation
    transform: Transform = "none"

    @property
    def has_levels(self) -> bool:
        return self.kind in ("ordinal", "nominal")


class Term(Frozen):
    """A feature and its coefficient in a sum."""

    feature: str
    weight: float = 1.0


class Derived(Frozen):
    """A feature computed from others, by name and in the order of the config.

    ``formula`` names one of ``FORMULAS``. One that compares is 1 where ``terms[0]`` compares true
    with ``value`` (for a feature with levels, the level).
    """

    name: str
    description: str
    formula: FormulaName
    terms: tuple[Term, ...]
    comparison: Comparison | None = None
    value: Level | float | None = None
    transform: Transform = "none"


class Selection(Frozen):
    """Which columns a member drops; ``None`` switches a criterion off."""

    quasi_constant: float | None = None
    duplicate: bool = False
    correlated: float | None = None
    linear_model: float | None = None


class Member(Frozen):
    """One estimator of the blend and the way its columns are prepared.

    ``limit`` is the largest distance of its log price from the mean of the members without a limit.
    """

    name: str
    weight: float
    limit: float | None = None
    rare_levels: float = 0.0
    nominal: NominalEncoding = "indicators"
    transform: bool = False
    scale: Scale = "none"
    drop: tuple[str, ...] = ()
    select: Selection = Selection()
    estimator: EstimatorName
    hyperparameters: dict[str, bool | int | float | str] = {}


class Sought(Frozen):
    """A value of a member that ``tune`` may change: within ``bounds``, or one of ``choices``.

    ``name`` is a hyperparameter, ``weight``, ``limit`` or ``rare_levels``; ``log`` seeks evenly on
    the logarithm.
    """

    member: str
    name: str
    bounds: tuple[int | float, int | float] | None = None
    log: bool = False
    choices: tuple[bool | int | float | str, ...] = ()


class Difficulty(Frozen):
    """How difficulty, which scales each range, is learned.

    ``copies`` of each sale, with fields hidden, stand beside it; ``hyperparameters`` are those of
    a GradientBoostingRegressor.
    """

    copies: int
    hyperparameters: dict[str, bool | int | float | str] = {}


class Validation(Frozen):
    """How a model is judged: folds of the cross-validation, share of rows held out."""

    folds: int
    holdout: float


class Spec(Frozen):
    """The whole description. Names of features are unique, aliases and derived ones included."""

    name: str
    seed: int
    coverage: float
    null_markers: tuple[str, ...]
    features: tuple[Feature, ...]
    missing_indicators: tuple[str, ...] = ()
    elapsed: tuple[str, ...] = ()
    derived: tuple[Derived, ...] = ()
    members: tuple[Member, ...]
    search: tuple[Sought, ...] = ()
    difficulty: Difficulty | None = None
    validation: Validation
    gates: dict[str, dict[str, Limit]]
    differential: dict[str, float] | None = None

    @cached_property
    def inputs(self) -> tuple[Feature, ...]:
        """The features the model sees, in the order of the numeric matrix's columns."""
        return tuple(f for f in self.features if f.role not in ("identifier", "target"))

    @cached_property
    def identifier(self) -> Feature | None:
        return self._with_role("identifier")

    @cached_property
    def target(self) -> Feature:
        found = self._with_role("target")
        if found is None:
            raise ValueError("a spec has exactly one feature with the role target")
        return found

    @cached_property
    def sale_year(self) -> Feature | None:
        """The year of the sale, against which ages are measured."""
        return next((f for f in self.inputs if f.role == "sale date" and f.kind == "year"), None)

    @cached_property
    def location(self) -> Feature | None:
        """The location of the house, by which sales are grouped."""
        return self._with_role("location")

    def feature(self, name: str) -> Feature:
        """The feature called ``name``; KeyError where there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Feature]:
        return {f.name: f for f in self.features}

    def _with_role(self, role: Role) -> Feature | None:
        return next((f for f in self.features if f.role == role), None)
