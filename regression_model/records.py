"""Houses as people send them: dictionaries of names and values, checked row by row.

A row that is refused never touches its neighbours: ``n`` rows in, ``n`` outcomes out, in order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic_core import (
    CoreSchema,
    PydanticKnownError,
    SchemaValidator,
    ValidationError,
    core_schema,
    from_json,
)

from regression_model.errors import InvalidInput, MalformedJSON
from regression_model.issues import ErrorCode, Issue, issue, named, short
from regression_model.spec import Feature, Spec

House = dict[str, Any]

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Malformed:
    """A row that could not even be read as a house, with the reason."""

    message: str


class Request(NamedTuple):
    """Rows to value, and whether their prices are to be explained."""

    rows: list[Any]
    explain: bool = False


def parse_request(body: bytes) -> Request:
    """Read ``{"inputs": [house, ...]}``, a list of houses or one house.

    Beside ``inputs`` there may be ``"explain": true``.

    Strict JSON in UTF-8 (RFC 8259), nested some 200 deep at most; of duplicate keys the last wins.
    Raises :class:`MalformedJSON` or, where the shape is wrong, :class:`InvalidInput`.
    """
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJSON(f"the body is not strict JSON: {error}") from error
    return request_of(content)


def request_of(content: Any) -> Request:
    """The request in ``content``: an ``{"inputs": [...]}`` object, a list, or one house."""
    if not isinstance(content, dict) or "inputs" not in content:
        return Request(rows_of(content))
    strays = [key for key in content if key not in ("inputs", "explain")]
    if strays:
        raise InvalidInput(
            f"unknown key {short(strays[0])!r} beside 'inputs'; send only "
            '{"inputs": [house, ...]}, with "explain": true where prices are to be explained'
        )
    explain = content.get("explain", False)
    if not isinstance(explain, bool):
        raise InvalidInput(f"explain must be true or false, got {named(explain)}")
    return Request(rows_of(content["inputs"]), explain)


def rows_of(content: Any) -> list[Any]:
    """The rows in ``content``: a list, or one house."""
    if isinstance(content, dict):
        return [content]
    if not isinstance(content, (list, tuple)):
        raise InvalidInput(
            'expected a house, a list of houses or {"inputs": [house, ...]}, '
            f"got {named(content)}"
        )
    if not content:
        raise InvalidInput("the list of houses is empty; send at least one house")
    return list(content)


class HouseValidator:
    """Checks houses against a spec: names, types and possible values, one row at a time."""

    def __init__(self, spec: Spec) -> None:
        self._features = {name: f for f in spec.features for name in (f.name, *f.aliases)}
        target = spec.target.name
        self._names = [name for name in self._features if name != target]
        thorough = SchemaValidator(_house_schema(spec, "forbid"))
        self._thorough: Callable[[Any], House] = thorough.validate_python
        self._quick = SchemaValidator(_house_schema(spec, "ignore")).validate_python

    def check(
        self, rows: Iterable[Any], *, from_json: bool = False
    ) -> tuple[list[House | None], list[Issue]]:
        """Return each row with canonical names, or None where it is refused, and the reasons.

        ``from_json`` promises that there are no values but those JSON has.
        """
        houses: list[House | None] = []
        errors: list[Issue] = []
        for row, given in enumerate(rows if from_json else map(_plain, rows)):
            try:
                houses.append(self._check_one(given))
            except ValidationError as error:
                houses.append(None)
                errors.extend(self._issues(row, given, error))
        return houses, errors

    def _check_one(self, given: Any) -> House:
        """``given`` with canonical names; names are counted, and looked into where one is odd."""
        try:
            house: House = self._quick(given)
        except ValidationError:
            return self._thorough(given)  # which gives all reasons
        return house if len(house) == len(given) else self._thorough(given)

    def _issues(self, row: int, given: Any, error: ValidationError) -> Iterable[Issue]:
        if isinstance(given, Malformed):
            return [issue(row, None, "malformed_row", given.message)]
        return [self._issue(row, detail) for detail in error.errors(include_url=False)]

    def _issue(self, row: int, detail: Any) -> Issue:
        value = detail["input"]
        if not detail["loc"]:
            if detail["type"] == "string_unicode":  # a key that is no Unicode text
                return issue(row, short(value), "unknown_field", self._unknown(value))
            return issue(
                row, None, "wrong_type", f"a house is an object, got {named(value)}", value
            )
        field = str(detail["loc"][0])
        feature = self._features.get(field)
        if detail["type"] in ("extra_forbidden", "invalid_key") or feature is None:
            return issue(row, short(field), "unknown_field", self._unknown(field), value)
        if detail["type"] == "missing" or (feature.required and value is None):
            return issue(row, feature.name, "required", _required(feature), None)
        code, message = _refusal(detail["type"], feature, value)
        return issue(row, field, code, message, value)

    def _unknown(self, field: str) -> str:
        if field in self._names:
            canonical = self._features[field].name
            return f"{field!r} is another name of {canonical!r}, which is also given; send one"
        near = difflib.get_close_matches(field, self._names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see the schema for the fields of a house"
        return f"{short(field)!r} is not a field of a house; {hint}"


def _house_schema(spec: Spec, unknown_names: Literal["forbid", "ignore"]) -> CoreSchema:
    fields = {
        f.name: core_schema.typed_dict_field(
            _value_schema(f),
            required=f.required,
            validation_alias=[list[str | int]((name,)) for name in (f.name, *f.aliases)],
        )
        for f in spec.features
        if f.role != "target"
    }
    return core_schema.typed_dict_schema(fields, extra_behavior=unknown_names)


def _value_schema(f: Feature) -> CoreSchema:
    value: CoreSchema
    if f.type == "text":
        value = core_schema.str_schema(strict=True)
    else:
        value = core_schema.float_schema(
            strict=True,
            allow_inf_nan=False,
            ge=f.minimum,
            le=f.maximum,
        )
        if f.type == "integer":
            value = core_schema.no_info_after_validator_function(_whole, value)
    return value if f.required else core_schema.nullable_schema(value)


def _whole(value: float) -> float:
    # multiple_of would do, but for a tolerance that lets 3.0000000001 through.
    if not value.is_integer():
        raise PydanticKnownError("multiple_of", {"multiple_of": 1.0})
    return value


def _required(f: Feature) -> str:
    return f"{f.name} is required: {f.description[0].lower()}{f.description[1:]}"


def _refusal(kind: str, f: Feature, value: Any) -> tuple[ErrorCode, str]:
    wanted = {"text": "text", "integer": "a whole number", "number": "a number"}[f.type]
    unknown = "" if f.required else "; send null where it is unknown"
    if kind == "finite_number":
        return "not_finite", f"{f.name} must be a finite number{unknown}"
    if kind == "multiple_of":
        return "wrong_type", f"{f.name} must be a whole number, got {short(value)}"
    too_large = isinstance(value, int) and not isinstance(value, bool) and f.type != "text"
    if kind in ("greater_than_equal", "less_than_equal") or too_large:
        return "impossible_value", f"{f.name} must {_possible(f)}, got {short(value)}"
    if isinstance(value, str):
        quoted = f.type != "text" and _JSON_NUMBER.fullmatch(value) is not None
        hint = "; remove the quotes" if quoted else unknown
    else:
        hint = unknown if isinstance(value, float) else ""
    return "wrong_type", f"{f.name} must be {wanted}, got {named(value)}{hint}"


def _possible(f: Feature) -> str:
    if f.minimum is None or f.maximum is None:
        return f"be one of {', '.join(map(str, f.levels))}"
    limits = f"{_exact(f.minimum)} to {_exact(f.maximum)}"
    return f"lie in {limits}{f' {f.unit}' if f.unit else ''}"


def _exact(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _plain(row: Any) -> Any:
    """``row`` with NumPy scalars turned into Python's; what is no number or text into its name."""
    if not isinstance(row, Mapping) or not any(isinstance(v, np.generic) for v in row.values()):
        return row
    return {
        name: (value.item() if value.dtype.kind in "biufU" else [repr(value)])
        if isinstance(value, np.generic)
        else value
        for name, value in row.items()
    }
