"""What is said of a value that is refused or doubted: one shape, short, safe to print."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

_LONGEST_ECHO = 80


# What can be said of a row; these are types, so that no other code can be written by mistake.
ErrorCode = TypeAliasType(
    "ErrorCode",
    Literal[
        "impossible_value",
        "malformed_row",
        "not_finite",
        "required",
        "unknown_field",
        "wrong_type",
    ],
)
WarningCode = TypeAliasType(
    "WarningCode",
    Literal["beyond_training_range", "sold_before", "unknown_column", "unseen_level"],
)


class Issue(TypedDict):
    """Why a row has no price (an error), or a caveat on the price it has (a warning)."""

    row: Annotated[
        int | None, Field(description="Row of the input, from 0; null where all rows are meant.")
    ]
    field: Annotated[
        str | None, Field(description="Name of the field as sent; null where the row is meant.")
    ]
    code: Annotated[
        ErrorCode | WarningCode, Field(description="What is wrong, for programs to tell by.")
    ]
    message: Annotated[str, Field(description="What is wrong and what helps, for people.")]
    value: Annotated[
        Any, Field(description="The value, cut to 80 characters; lists and objects only by name.")
    ]


def issue(
    row: int | None,
    field: str | None,
    code: ErrorCode | WarningCode,
    message: str,
    value: Any = None,
) -> Issue:
    """Build an :class:`Issue` whose value is safe to print: short, and plain JSON."""
    return {"row": row, "field": field, "code": code, "message": message, "value": _echo(value)}


def named(value: Any) -> str:
    """What ``value`` is, in the words of JSON."""
    names = {dict: "an object", list: "a list", tuple: "a list", type(None): "null"}
    if type(value) in names:
        return names[type(value)]
    if isinstance(value, str):
        return f"text {short(value)!r}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"number {short(value)}"
    return f"a {type(value).__name__}"


def short(value: Any) -> str:
    """``value`` as text of bounded length in valid Unicode."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return "an integer of thousands of digits"
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"


def _echo(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return short(value)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else short(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else short(value)
    return named(value)
