"""What is said of a value that is refused or doubted: one shape, short, safe to print.

An answer stays short as well: :class:`Issues` holds what is said, and counts what is left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, get_args

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from regression_model.reading.echo import echo
from regression_model.suggestions import nearest

MAX_ISSUES_OF_ROW = 20
MAX_ISSUES_OF_LIST = 10_000
MAX_SUGGESTIONS = 1_000  # different spellings for which a list of issues suggests a known one
MAX_UNKNOWN_NAMES = 1_000  # a house with more names beside its fields is refused unchecked


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


ERROR_CODES = frozenset(get_args(ErrorCode.__value__))


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
        Any,
        Field(description="The value, cut to 80 characters; lists and objects only by name."),
    ]


class Omitted(TypedDict):
    """What was found beyond the limits of ``errors`` and ``warnings``, counted."""

    code: Annotated[ErrorCode | WarningCode, Field(description="What is wrong.")]
    field: Annotated[
        str | None,
        Field(description="Name of the field as sent; null of names that are no field of a house."),
    ]
    count: Annotated[int, Field(ge=1, description="How many are left out.")]
    rows: Annotated[
        list[int],
        Field(min_length=2, max_length=2, description="The first and the last row of them."),
    ]


Errors = Annotated[
    list[Issue],
    Field(
        description="Why rows have no price: `row` (from 0), `field`, `code`, `message`, `value`."
    ),
]
Warnings = Annotated[
    list[Issue], Field(description="Caveats on rows that have a price, of the same form.")
]
LeftOut = Annotated[
    list[Omitted],
    Field(
        description="What `errors` and `warnings` have no room for, counted; where there is any."
    ),
]


class Findings(TypedDict):
    """What every answer says of rows."""

    errors: Errors
    warnings: Warnings
    omitted: NotRequired[LeftOut]


class Limits(NamedTuple):
    """How many issues a row and a list hold, and how many spellings are suggested."""

    of_row: int = MAX_ISSUES_OF_ROW
    of_list: int = MAX_ISSUES_OF_LIST
    suggestions: int = MAX_SUGGESTIONS
    suggestions_of_row: int = MAX_ISSUES_OF_ROW


OF_ANSWER = Limits()
# A table has a cell for each row. It is read in parts, and what is said of a row must not depend on
# the rows before: only the suggestions of a row are limited.
OF_TABLE = Limits(of_list=sys.maxsize, suggestions=sys.maxsize, suggestions_of_row=2)
ALL = Limits(sys.maxsize, sys.maxsize, suggestions_of_row=sys.maxsize)
NOTHING = Limits(0, 0, 0, 0)


class Issues(list[Issue]):
    """The issues of a list in the order of rows, up to its limits; the others are counted.

    Code that finds issues of a row asks :meth:`room` how many of them to append, and calls
    :meth:`omit` for the others, so that no message is made in vain. ``at_least`` issues of a row
    are kept also beyond the limit of the list. ``more`` says of rows how many were left out.
    """

    def __init__(self, limits: Limits = OF_ANSWER, *, at_least: int = 0) -> None:
        self.more: dict[int, int] = {}
        self._limits = limits
        self._at_least = at_least
        self._omitted: dict[tuple[Any, str | None], Omitted] = {}
        self._searched: set[tuple[str, tuple[str, ...]]] = set()
        self._searched_of_row = 0

    def room(self, row: int, found: int) -> int:
        """Return how many of the issues ``found`` of a row are kept: its first ones."""
        self._searched_of_row = 0
        left = max(self._limits.of_list - len(self), self._at_least)
        kept = min(found, left, self._limits.of_row)
        if kept < found:
            self.more[row] = found - kept
        return kept

    def omit(
        self, code: ErrorCode | WarningCode, field: str | None, row: int, *, last: int, count: int
    ) -> None:
        """Count so many issues of a code and field, the first in ``row``, the last in ``last``."""
        entry = self._omitted.get((code, field))
        if entry is not None:
            entry["count"] += count
            entry["rows"][1] = last
        elif count:
            self._omitted[code, field] = {
                "code": code,
                "field": field,
                "count": count,
                "rows": [row, last],
            }

    def add_only(self, found: Issue) -> None:
        """Append the only issue of a row, or count it."""
        row = found["row"] or 0
        if self.room(row, 1):
            self.append(found)
        else:
            self.omit(found["code"], found["field"], row, last=row, count=1)

    @property
    def omitted(self) -> list[Omitted]:
        """Return what was left out, one entry for each code and field."""
        return list(self._omitted.values())

    def found(self) -> Counter[tuple[str, str | None]]:
        """Return how many were found by code and field, those left out included."""
        counts = Counter[tuple[str, str | None]]((one["code"], one["field"]) for one in self)
        for left in self._omitted.values():
            counts[left["code"], left["field"]] += left["count"]
        return counts

    def nearest(self, text: str, candidates: tuple[str, ...]) -> str | None:
        """Return the candidate that ``text`` may mean; None also where too many were asked for."""
        if self._searched_of_row >= self._limits.suggestions_of_row:
            return None
        self._searched_of_row += 1
        asked = (text, candidates)
        if asked not in self._searched:
            if len(self._searched) >= self._limits.suggestions:
                return None
            self._searched.add(asked)
        return nearest(text, candidates)

    def move(self, places: Sequence[int]) -> None:
        """Give what is said of row ``i`` the row ``places[i]``; places are in order."""
        for found in self:
            found["row"] = places[found["row"] or 0]
        self.more = {places[row]: count for row, count in self.more.items()}
        for left in self._omitted.values():
            left["rows"] = [places[row] for row in left["rows"]]

    def texts(self) -> dict[int | None, str]:
        """Return what is said of each row, in one line."""
        said: dict[int | None, list[str]] = {}
        for found in self:
            said.setdefault(found["row"], []).append(found["message"])
        for row, count in self.more.items():
            said.setdefault(row, []).append(f"and {count} more")
        return {row: "; ".join(messages) for row, messages in said.items()}


NONE_FOUND = Issues()  # of clean rows; only to be read


def left_out(errors: Issues, warnings: Issues) -> list[Omitted]:
    """Return what the two lists of an answer have no room for."""
    return [*errors.omitted, *warnings.omitted] if errors.more or warnings.more else []


def count_by_code(found: Findings) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Count errors and warnings by their code, omitted ones included.

    Parameters
    ----------
    found : Prediction or Validation
        An answer of :func:`make_prediction` or :func:`validate_inputs`.

    Returns
    -------
    tuple of (mapping of str to int, mapping of str to int)
        Counts of errors and counts of warnings.

    Examples
    --------
    >>> from regression_model import count_by_code, make_prediction
    >>> errors, warnings = count_by_code(make_prediction([{}, {}]))
    >>> dict(errors), dict(warnings)
    ({'required': 8}, {})
    """
    if not found["errors"] and not found["warnings"]:
        return {}, {}
    errors = Counter[str](error["code"] for error in found["errors"])
    warnings = Counter[str](warning["code"] for warning in found["warnings"])
    for left in found.get("omitted", ()):
        counts = errors if left["code"] in ERROR_CODES else warnings
        counts[left["code"]] += left["count"]
    return errors, warnings


def issue(
    row: int | None,
    field: str | None,
    code: ErrorCode | WarningCode,
    message: str,
    value: Any = None,
) -> Issue:
    """Build an :class:`Issue` whose value is safe to print: short, and plain JSON."""
    return {"row": row, "field": field, "code": code, "message": message, "value": echo(value)}
