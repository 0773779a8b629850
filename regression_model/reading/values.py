"""What a field's value may be, and why one is refused."""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from regression_model.config.spec import Feature
from regression_model.reading.echo import named, short
from regression_model.reading.issues import ErrorCode

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")


def value_schema(f: Feature) -> CoreSchema:
    """Return the values that ``f`` may have."""
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


def code_of(f: Feature, value: Any) -> ErrorCode:
    """Return why ``value`` is refused, which the schema of ``f`` does not take."""
    if value is None:
        return "required"
    if f.type == "text" or isinstance(value, bool) or not hasattr(value, "__float__"):
        return "wrong_type"
    try:
        number = float(value)
    except OverflowError:
        return "impossible_value"
    if not math.isfinite(number):
        return "not_finite"
    return "wrong_type" if _is_possible(f, number) else "impossible_value"


def _is_possible(f: Feature, number: float) -> bool:
    """Return whether ``number`` is within the limits of ``f``."""
    low = -math.inf if f.minimum is None else f.minimum
    high = math.inf if f.maximum is None else f.maximum
    return low <= number <= high


def refusal(code: ErrorCode, f: Feature, value: Any) -> str:
    """Return what is wrong with ``value``, as ``code`` says, and what helps."""
    wanted = {"text": "text", "integer": "a whole number", "number": "a number"}[f.type]
    unknown = "" if f.required else "; send null where it is unknown"
    if code == "required":
        return f"{f.name} is required: {f.description[0].lower()}{f.description[1:]}"
    if code == "not_finite":
        return f"{f.name} must be a finite number{unknown}"
    if code == "impossible_value":
        return f"{f.name} must {_possible(f)}, got {short(value)}"
    if isinstance(value, float) and f.type != "text":
        return f"{f.name} must be a whole number, got {short(value)}"
    if isinstance(value, str):
        quoted = f.type != "text" and _JSON_NUMBER.fullmatch(value) is not None
        hint = "; remove the quotes" if quoted else unknown
    else:
        hint = unknown if isinstance(value, float) else ""
    return f"{f.name} must be {wanted}, got {named(value)}{hint}"


def _possible(f: Feature) -> str:
    if f.minimum is None or f.maximum is None:
        return f"be one of {', '.join(map(str, f.levels))}"
    limits = f"{_exact(f.minimum)} to {_exact(f.maximum)}"
    return f"lie in {limits}{f' {f.unit}' if f.unit else ''}"


def _exact(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)
