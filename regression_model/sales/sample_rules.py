"""The rules by which synthetic houses are drawn, one column after the other.

A rule knows columns by name and values as numbers: a level is its position among the levels of
the spec. ``sample_reader`` reads rules from ``sample.yml``, whose head explains them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import Spec

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Term(NamedTuple):
    """``weight`` times a column, or times the logarithm of it (of 1 where it is below 1)."""

    weight: float
    column: str
    log: bool


class Sum(NamedTuple):
    """A constant and weighted columns."""

    constant: float
    terms: tuple[Term, ...] = ()


class Condition(NamedTuple):
    """A comparison of a column with a value; ``=`` and ``!=`` take several."""

    column: str
    comparison: str
    values: tuple[float, ...]


class Outcome(NamedTuple):
    """Anything from ``low`` to ``high``, drawn in proportion to ``weight``."""

    low: float
    high: float
    weight: float


class Case(NamedTuple):
    """The outcomes of houses for which every one of ``conditions`` holds."""

    conditions: tuple[Condition, ...]
    outcomes: tuple[Outcome, ...]


class Effect(NamedTuple):
    """What is added where ``column`` has one of some values."""

    column: str
    additions: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Rule:
    """How one column is drawn from those before it.

    Either ``cases`` (the first that fits a house counts) or a ``total`` with ``effects`` and
    normal ``noise``, exponentiated where ``log``. ``low`` and ``high`` are the spec's limits;
    ``otherwise`` is the value of houses for which ``when`` does not hold (NaN: null);
    ``step`` is what values are rounded to (0: not at all), ``unknown`` a share of houses.
    """

    column: str
    hidden: bool
    cases: tuple[Case, ...]
    total: Sum
    effects: tuple[Effect, ...]
    noise: float
    log: bool
    minimum: Sum
    maximum: Sum
    low: float
    high: float
    step: float
    when: tuple[Condition, ...]
    otherwise: Sum
    unknown: float


def missing_rules(drawn: Iterable[str], spec: Spec, *, label: str) -> list[str]:
    """Return what to say about columns that a house of ``spec`` must have and nothing draws."""
    needed = [f.name for f in (*spec.inputs, spec.target) if f.required or f is spec.target]
    return [
        f"{label}: no rule for {name}, which the spec requires; add one"
        for name in needed
        if name not in set(drawn)
    ]


def draw(rules: tuple[Rule, ...], n: int, rng: np.random.Generator) -> dict[str, Values]:
    """Draw every column, hidden ones included: shape ``(n,)`` each, levels as their position.

    What is unknown becomes NaN only when all is drawn, for it still shapes the house.
    """
    drawn: dict[str, Values] = {}
    for rule in rules:
        drawn[rule.column] = _drawn(rule, drawn, n, rng)
    for rule in rules:
        if rule.unknown:
            drawn[rule.column] = np.where(rng.random(n) < rule.unknown, np.nan, drawn[rule.column])
    return drawn


def _drawn(rule: Rule, drawn: Mapping[str, Values], n: int, rng: np.random.Generator) -> Values:
    make = _chosen if rule.cases else _computed
    values = make(rule, drawn, n, rng)
    # minimum before maximum: where they cross, the maximum holds
    values = np.maximum(values, _total(rule.minimum, drawn, n))
    values = np.minimum(values, _total(rule.maximum, drawn, n))
    if rule.when:
        values = np.where(_holds(rule.when, drawn, n), values, _total(rule.otherwise, drawn, n))
    if rule.step:
        values = np.round(values / rule.step) * rule.step
    return np.clip(values, rule.low, rule.high)


def _chosen(rule: Rule, drawn: Mapping[str, Values], n: int, rng: np.random.Generator) -> Values:
    luck, place = rng.random(n), rng.random(n)
    values = np.zeros(n)
    undecided = np.ones(n, dtype=np.bool_)
    for case in rule.cases:
        rows = np.flatnonzero(undecided & _holds(case.conditions, drawn, n))
        values[rows] = _pick(case, luck[rows], place[rows])
        undecided[rows] = False
    return values


def _pick(case: Case, luck: Values, place: Values) -> Values:
    lows, highs, weights = np.array(case.outcomes).T
    shares = np.cumsum(weights) / weights.sum()
    picked = np.searchsorted(shares[:-1], luck, side="right")
    return np.asarray(lows[picked] + (highs - lows)[picked] * place, dtype=np.float64)


def _computed(rule: Rule, drawn: Mapping[str, Values], n: int, rng: np.random.Generator) -> Values:
    values = _total(rule.total, drawn, n)
    for effect in rule.effects:
        for value, addition in effect.additions:
            values[drawn[effect.column] == value] += addition
    if rule.noise:
        values += rng.normal(0.0, rule.noise, n)
    return np.exp(values) if rule.log else values


def _total(total: Sum, drawn: Mapping[str, Values], n: int) -> Values:
    values = np.full(n, total.constant)
    for term in total.terms:
        column = drawn[term.column]
        values += term.weight * (np.log(np.maximum(column, 1.0)) if term.log else column)
    return values


def _holds(conditions: tuple[Condition, ...], drawn: Mapping[str, Values], n: int) -> Mask:
    holds = np.ones(n, dtype=np.bool_)
    for condition in conditions:
        column = drawn[condition.column]
        if condition.comparison in ("=", "!="):
            holds &= np.isin(column, condition.values, invert=condition.comparison == "!=")
        else:
            holds &= _COMPARE[condition.comparison](column, condition.values[0])
    return holds
