"""Read the description of plausible houses, ``sample.yml``, into rules, or say what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import strictyaml as sy

from regression_model.config.spec import NONE, Feature, Spec
from regression_model.config.yaml_lines import line_of, load
from regression_model.errors import ConfigError
from regression_model.sales.sample_rules import (
    Case,
    Condition,
    Effect,
    Outcome,
    Rule,
    Sum,
    Term,
    missing_rules,
)
from regression_model.suggestions import suggest

_TERM = re.compile(
    r"(?:(?P<weight>[-+]?[\d.]+(?:e-?\d+)?)\s*\*\s*)?(?P<log>log\s+)?(?P<column>\S+)"
)
_CONDITION = re.compile(r"(?P<column>\S+)\s+(?P<comparison>!=|>=|<=|=|>|<)\s+(?P<values>.+)")
_RULE = sy.Map(
    {
        sy.Optional("hidden"): sy.Bool(),
        sy.Optional("choice"): sy.Str() | sy.MapPattern(sy.Str(), sy.Str()),
        sy.Optional("sum"): sy.Str(),
        sy.Optional("effects"): sy.MapPattern(sy.Str(), sy.Str()),
        sy.Optional("noise"): sy.Float(),
        sy.Optional("scale"): sy.Enum(["log"]),
        sy.Optional("minimum"): sy.Str(),
        sy.Optional("maximum"): sy.Str(),
        sy.Optional("round"): sy.Float(),
        sy.Optional("when"): sy.Str(),
        sy.Optional("else"): sy.Str(),
        sy.Optional("unknown"): sy.Float(),
    }
)
_SCHEMA = sy.MapPattern(sy.Str(), _RULE)


def parse_rules(text: str, spec: Spec, *, label: str) -> tuple[Rule, ...]:
    """Read the text of a description of houses in the columns of ``spec``.

    Raises :class:`ConfigError` with file, line and remedy; ``label`` names the file in it.
    """
    try:
        data = load(text, _SCHEMA, label=label)
    except ConfigError as error:
        raise ConfigError(f"{error}; the head of sample.yml explains the format") from error
    names = list(data)
    rules, faults = [], []
    for position, (name, values) in enumerate(data.items()):
        try:
            rules.append(_Reader(spec, name, values, names[:position]).rule())
        except _Refused as refused:
            line = line_of(text, (name, *refused.keys))
            faults.append(f"{label}, line {line}: {name}: {refused}")
    faults += missing_rules(names, spec, label=label)
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(rules)


class _Refused(Exception):
    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


@dataclass(frozen=True)
class _Reader:
    """Reads one rule; ``earlier`` are the columns that it may refer to."""

    spec: Spec
    column: str
    values: Mapping[str, Any]
    earlier: list[str]

    def rule(self) -> Rule:
        given, feature = self.values, self._feature(self.column)
        self._check(feature)
        low, high = _limits(feature)
        return Rule(
            self.column,
            hidden=feature is None,
            cases=self._cases(),
            total=self._sum("sum"),
            effects=tuple(self._effect(name) for name in given.get("effects", {})),
            noise=given.get("noise", 0.0),
            log="scale" in given,
            minimum=self._bound("minimum", feature, -inf),
            maximum=self._bound("maximum", feature, inf),
            low=low,
            high=high,
            step=given.get("round", 0.0 if feature is None else 1.0),
            when=self._conditions(given["when"], "when") if "when" in given else (),
            otherwise=self._bound("else", feature, _absent(feature)),
            unknown=given.get("unknown", 0.0) / 100,
        )

    def _check(self, feature: Feature | None) -> None:
        given = self.values
        hidden = given.get("hidden", False)
        if feature is None and not hidden:
            hint = suggest(self.column, [f.name for f in self.spec.features])
            raise _Refused(f"is not a column of the spec; {hint} Or add 'hidden: yes'")
        if feature is not None and hidden:
            raise _Refused("is a column of the spec and cannot be hidden; rename it", "hidden")
        if ("choice" in given) == ("sum" in given):
            raise _Refused("needs either 'choice' or 'sum'")
        if "sum" in given and feature is not None and feature.kind == "nominal":
            raise _Refused("has levels without order; use 'choice'", "sum")
        if "sum" not in given and {"effects", "noise", "scale"} & set(given):
            raise _Refused("effects, noise and scale belong to a 'sum'")
        limits = {"noise": inf, "round": inf, "unknown": 0.0 if _needed(feature) else 100.0}
        for key, limit in limits.items():
            if not 0 <= given.get(key, 0.0) <= limit:
                raise _Refused(f"{key} must lie in 0 to {limit:g}, got {given[key]:g}", key)

    def _feature(self, name: str) -> Feature | None:
        return next((f for f in self.spec.features if f.name == name), None)

    def _parent(self, name: str, *keys: str) -> Feature | None:
        if name not in self.earlier:
            later = name == self.column or self._feature(name) is not None
            hint = "drawn later; move that rule up" if later else suggest(name, self.earlier)
            raise _Refused(f"refers to {name}, which is not drawn yet: {hint}", *keys)
        return self._feature(name)

    def _value(self, text: str, feature: Feature | None, *keys: str) -> float:
        """Return the position of a level, or the number."""
        if feature is not None and feature.has_levels:
            levels = [str(level) for level in feature.levels]
            if text not in levels:
                hint = suggest(text, levels)
                raise _Refused(f"{text!r} is not a level of {feature.name}; {hint}", *keys)
            return float(levels.index(text))
        if not _is_number(text):
            raise _Refused(f"{text!r} is not a number; write one", *keys)
        return float(text)

    def _cases(self) -> tuple[Case, ...]:
        choice = self.values.get("choice", {})
        if isinstance(choice, str):
            return (Case((), self._outcomes(choice, "choice")),)
        if choice and list(choice)[-1] != "else":
            raise _Refused("the last case must be 'else', for the houses that fit none", "choice")
        return tuple(
            Case(
                () if key == "else" else self._conditions(key, "choice", key),
                self._outcomes(text, "choice", key),
            )
            for key, text in choice.items()
        )

    def _outcomes(self, text: str, *keys: str) -> tuple[Outcome, ...]:
        feature = self._feature(self.column)
        outcomes = []
        for value, weight in self._pairs(text, *keys):
            ends = [value] if feature is not None and feature.has_levels else value.split("..")
            low, high = (self._value(end, feature, *keys) for end in (ends[0], ends[-1]))
            if weight <= 0 or high < low:
                what = f"'{value} {weight:g}'"
                raise _Refused(f"{what} needs a weight above 0 and a range that rises", *keys)
            outcomes.append(Outcome(low, high, weight))
        return tuple(outcomes)

    def _pairs(self, text: str, *keys: str) -> Iterable[tuple[str, float]]:
        for part in text.split(","):
            value, _, number = part.strip().rpartition(" ")
            if not value:
                raise _Refused(f"{part.strip()!r} is not '<value> <number>'", *keys)
            yield value.strip(), self._value(number, None, *keys)

    def _effect(self, name: str) -> Effect:
        keys = ("effects", name)
        parent = self._parent(name, *keys)
        pairs = self._pairs(self.values["effects"][name], *keys)
        return Effect(name, tuple((self._value(v, parent, *keys), number) for v, number in pairs))

    def _conditions(self, text: str, *keys: str) -> tuple[Condition, ...]:
        return tuple(self._condition(part.strip(), *keys) for part in text.split(" and "))

    def _condition(self, text: str, *keys: str) -> Condition:
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise _Refused(f"{text!r} is not '<column> = <value> | <value>' or '< <value>'", *keys)
        parent = self._parent(match["column"], *keys)
        values = [self._value(v.strip(), parent, *keys) for v in match["values"].split("|")]
        ordered = match["comparison"] not in ("=", "!=")
        if ordered and (len(values) > 1 or (parent is not None and parent.kind == "nominal")):
            raise _Refused(f"{text!r}: levels without order and lists take = or !=", *keys)
        return Condition(match["column"], match["comparison"], tuple(values))

    def _bound(self, key: str, feature: Feature | None, default: float) -> Sum:
        if key in self.values and feature is not None and feature.has_levels:
            return Sum(self._value(self.values[key], feature, key))
        return self._sum(key, default)

    def _sum(self, key: str, default: float = 0.0) -> Sum:
        if key not in self.values:
            return Sum(default)
        parts = [part.strip() for part in self.values[key].split(",")]
        numbers = [float(part) for part in parts if _is_number(part)]
        terms = tuple(self._term(part, key) for part in parts if not _is_number(part))
        return Sum(sum(numbers, 0.0), terms)

    def _term(self, text: str, key: str) -> Term:
        match = _TERM.fullmatch(text)
        if match is None:
            raise _Refused(f"{text!r} is not '<number> * <column>' or '... * log <column>'", key)
        parent = self._parent(match["column"], key)
        if parent is not None and parent.kind == "nominal":
            raise _Refused(f"{parent.name} has levels without order; use 'effects'", key)
        return Term(float(match["weight"] or 1), match["column"], bool(match["log"]))


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _needed(feature: Feature | None) -> bool:
    return feature is not None and (feature.required or feature.role == "target")


def _limits(feature: Feature | None) -> tuple[float, float]:
    if feature is None:
        return -inf, inf
    if feature.has_levels:
        return 0.0, len(feature.levels) - 1.0
    return feature.range or (-inf, inf)


def _absent(feature: Feature | None) -> float:
    """Return what a house has that lacks the thing: the level that says so, null, or zero."""
    if feature is not None and feature.null_means in feature.levels:
        return float(feature.levels.index(feature.null_means))
    return nan if feature is not None and feature.null_means == NONE else 0.0
