"""From the texts of a config file to the values that a spec is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import strictyaml as sy
from strictyaml.ruamel.error import MarkedYAMLError

from regression_model.config.formulas import COMPARISONS, FORMULAS
from regression_model.config.problems import Problem
from regression_model.config.spec import Limit
from regression_model.config.yaml_schema import SCALAR

Reader = Callable[[str, dict[str, Any]], dict[str, Any]]

_TYPE_OF_KIND = {"numeric": "number", "year": "integer", "ordinal": "text", "nominal": "text"}
_COMPARISON = "|".join(map(re.escape, sorted(COMPARISONS, key=len, reverse=True)))
_FLAG = re.compile(rf"(?P<feature>.+?)\s*(?P<comparison>{_COMPARISON})\s*(?P<value>.+)")
_BOUNDS = re.compile(r"(?P<low>\S+) to (?P<high>\S+?)(?P<log>\s*,\s*log)?")
_TERM = re.compile(r"(?:(?P<weight>[-+]?\d*\.?\d+)\s*\*\s*)?(?P<feature>.+)")


class _Refused(Exception):
    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, message)


def values_of(data: Mapping[str, Any], faults: list[Problem]) -> dict[str, Any]:
    """Return the values a spec is made of.

    What cannot be read is added to ``faults`` and gets a stand-in, so that the rest can be judged.
    """

    def read(section: str, reader: Reader, stand_in: Reader) -> list[Any]:
        values = []
        for name, given in data.get(section, {}).items():
            try:
                values.append(reader(name, dict(given)))
            except _Refused as refused:
                faults.append(refused.problem)
                values.append(stand_in(name, dict(given)))
        return values

    described = {key: value for key, value in data.items() if key != "tracking"}
    return {
        **described,
        "features": read("features", _feature_values, _feature_stand_in),
        "derived": read("derived", _derived_values, _derived_stand_in),
        "members": [{"name": name, **given} for name, given in data["members"].items()],
        "search": list(_sought(data.get("search", {}), faults)),
        "gates": {
            source: {name: _limit(source, name, given, faults) for name, given in limits.items()}
            for source, limits in data["gates"].items()
        },
    }


def _sought(search: Mapping[str, Any], faults: list[Problem]) -> Iterator[dict[str, Any]]:
    for member, given in search.items():
        for name, text in given.items():
            try:
                yield {"member": member, "name": name, **_bounds_or_choices(member, name, text)}
            except _Refused as refused:
                faults.append(refused.problem)


def _limit(source: str, name: str, given: list[float], faults: list[Problem]) -> Limit:
    if len(given) == 1:
        return given[0]
    if len(given) == 2:
        return given[0], given[1]
    message = f"limit of {name} has {len(given)} numbers; expected one, or lowest and highest"
    faults.append(Problem(("gates", source, name), message))
    return 0.0


def _feature_stand_in(name: str, values: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        key: values[key] for key in ("description", "kind", "role") if key in values
    }
    kind = _TYPE_OF_KIND[values["kind"]]
    return {"name": name, "type": kind, "impute": {"method": "median"}, **kept}


def _derived_stand_in(name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": values["description"], "formula": "sum", "terms": []}


def _feature_values(name: str, values: dict[str, Any]) -> dict[str, Any]:
    values["name"] = name
    values.setdefault("type", _TYPE_OF_KIND[values["kind"]])
    path = ("features", name)
    if values["type"] == "integer" and "levels" in values:
        values["levels"] = [_integer(v, (*path, "levels")) for v in values["levels"]]
        spellings = values.get("spellings", {})
        values["spellings"] = {k: _integer(v, (*path, "spellings")) for k, v in spellings.items()}
    if "range" in values and len(values["range"]) != 2:
        raise _Refused((*path, "range"), f"range of {name} needs two numbers: lowest, highest")
    values["impute"] = _imputation(name, values)
    return values


def _integer(text: str, path: tuple[str, ...]) -> int:
    try:
        return int(text)
    except ValueError:
        raise _Refused(
            path, f"{text!r} is not an integer; write integers, or drop 'type: integer'"
        ) from None


def _imputation(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    default = "most frequent" if "levels" in values else "median"
    text = str(values.get("impute", default))
    method, _, by = text.partition(" by ")
    if method in ("median", "mean", "most frequent"):
        return {"method": method, "by": by or None}
    if text == "zero":
        return {"method": "constant", "value": 0.0}
    if text.startswith("same as "):
        return {"method": "feature", "feature": text.removeprefix("same as ")}
    if text.startswith("level "):
        level = text.removeprefix("level ")
        path = ("features", name, "impute")
        value = _integer(level, path) if values["type"] == "integer" else level
        return {"method": "constant", "value": value}
    raise _Refused(
        ("features", name, "impute"),
        f"impute of {name} is {text!r}; expected median, mean or most frequent (each also "
        "'... by <feature>'), zero, 'level <level>' or 'same as <feature>'",
    )


def _derived_values(name: str, values: dict[str, Any]) -> dict[str, Any]:
    given = [formula for formula in FORMULAS if formula in values]
    if len(given) != 1:
        raise _Refused(
            ("derived", name), f"derived feature {name} needs exactly one of {', '.join(FORMULAS)}"
        )
    formula = given[0]
    text = values.pop(formula)
    values |= {"name": name, "formula": formula}
    if FORMULAS[formula].compares:
        return values | _flag(name, text)
    return values | {"terms": [_term(name, formula, part) for part in text.split(",")]}


def _bounds_or_choices(member: str, name: str, text: str) -> dict[str, Any]:
    choices = re.split(r"\s+or\s+", text)
    if len(choices) > 1 and all(choices):
        return {"choices": [_scalar(choice) for choice in choices]}
    match = _BOUNDS.fullmatch(text)
    low, high = (_scalar(match["low"]), _scalar(match["high"])) if match else (text, text)
    if match is None or isinstance(low, str | bool) or isinstance(high, str | bool):
        raise _Refused(
            ("search", member, name),
            f"search of {name} is {text!r}; expected '<lowest> to <highest>', the same with "
            "', log' behind it, or '<choice> or <choice>'",
        )
    return {"bounds": (low, high), "log": bool(match["log"])}


def _scalar(text: str) -> Any:
    """A value as it would be read among hyperparameters."""
    try:
        return sy.load(text, SCALAR).data
    except MarkedYAMLError:  # text that is YAML of its own, such as a colon
        return text


def _flag(name: str, text: str) -> dict[str, Any]:
    match = _FLAG.fullmatch(text)
    if match is None:
        raise _Refused(
            ("derived", name, "flag"),
            f"flag of {name} is {text!r}; expected '<feature> > <number>' or '<feature> = <level>'",
        )
    value: Any = match["value"]
    with suppress(ValueError):  # a level, not a number
        value = float(value)
    return {
        "terms": [{"feature": match["feature"]}],
        "comparison": match["comparison"],
        "value": value,
    }


def _term(name: str, formula: str, text: str) -> dict[str, Any]:
    match = _TERM.fullmatch(text.strip())
    if match is None or (match["weight"] and not FORMULAS[formula].is_weighted_sum):
        raise _Refused(
            ("derived", name, formula),
            f"{text.strip()!r} in {name} is not a feature; "
            "weights ('0.5 * Feature') belong to sums",
        )
    return {"feature": match["feature"], "weight": float(match["weight"] or 1)}
