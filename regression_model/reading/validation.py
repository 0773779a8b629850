"""Houses as people send them: dictionaries of names and values, checked row by row.

A row that is refused never touches its neighbours: ``n`` rows in, ``n`` outcomes out, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic_core import (
    CoreSchema,
    SchemaValidator,
    ValidationError,
    core_schema,
    from_json,
)

from regression_model.config.spec import Feature, Spec
from regression_model.errors import InvalidInput, MalformedJSON
from regression_model.reading.echo import named, short
from regression_model.reading.issues import (
    MAX_UNKNOWN_NAMES,
    NONE_FOUND,
    OF_ANSWER,
    ErrorCode,
    Issue,
    Issues,
    Limits,
    issue,
)
from regression_model.reading.values import code_of, refusal, value_schema

House = dict[str, Any]


@dataclass(frozen=True)
class Malformed:
    """A row that could not even be read as a house, with the reason."""

    message: str


class Request(NamedTuple):
    """Hold rows to value.

    Attributes
    ----------
    rows : list
        One element for each house, unchecked.
    explain : bool, default False
        Whether prices are to be explained.
    """

    rows: list[Any]
    explain: bool = False


def parse_request(body: bytes) -> Request:
    """Read the JSON body of a request.

    Parameters
    ----------
    body : bytes
        ``{"inputs": [house, ...]}``, optionally with ``"explain": true``; or a list of houses; or
        one house. Strict JSON in UTF-8 (RFC 8259), nested at most about 200 levels deep. Of
        duplicate keys the last one counts.

    Returns
    -------
    Request
        Unchecked rows, and whether prices are to be explained.

    Raises
    ------
    MalformedJSON
        If the bytes are not strict JSON.
    InvalidInput
        If there is no house, or a key beside ``inputs`` and ``explain``.

    Examples
    --------
    >>> from regression_model import parse_request
    >>> parse_request(b'{"inputs": [{"GrLivArea": 1710}], "explain": true}')
    Request(rows=[{'GrLivArea': 1710}], explain=True)
    """
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJSON(f"the body is not strict JSON: {error}") from error
    return request_of(content)


def request_of(content: Any) -> Request:
    """Return the request in ``content``: an ``{"inputs": [...]}`` object, a list, or one house."""
    if not isinstance(content, dict) or "inputs" not in content:
        return Request(rows_of(content))
    stray = next((short(key) for key in content if key not in ("inputs", "explain")), None)
    if stray is not None:
        raise InvalidInput(
            f"unknown key {stray!r} beside 'inputs'; send only "
            '{"inputs": [house, ...]}, with "explain": true where prices are to be explained'
        )
    explain = content.get("explain", False)
    if not isinstance(explain, bool):
        raise InvalidInput(f"explain must be true or false, got {named(explain)}")
    return Request(rows_of(content["inputs"]), explain)


def rows_of(content: Any) -> list[Any]:
    """Return the rows in ``content``: a list, or one house."""
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


class _Fault(NamedTuple):
    """Hold a refused value: the reason, the name that was sent, and the field."""

    code: ErrorCode
    name: str
    feature: Feature
    value: Any


class HouseValidator:
    """Checks houses against a spec: names, types and possible values, one row at a time."""

    def __init__(self, spec: Spec) -> None:
        fields = [f for f in spec.features if f.role != "target"]
        self._fields = [(f, (f.name, *f.aliases)) for f in fields]
        self._aliased = [names for _, names in self._fields if len(names) > 1]
        self._features = {name: f for f, names in self._fields for name in names}
        self._names = tuple(self._features)
        self._most_names = len(self._names) + MAX_UNKNOWN_NAMES
        self._whole: Callable[[Any], House] = SchemaValidator(_house_schema(fields)).validate_python
        self._right: Callable[[Any], House] = SchemaValidator(
            _house_schema(fields, on_error="omit")
        ).validate_python

    def check(
        self, rows: Iterable[Any], *, from_json: bool = False, limits: Limits = OF_ANSWER
    ) -> tuple[list[House | None], Issues]:
        """Return each row with canonical names, or None where it is refused, and the reasons.

        ``from_json`` promises that there are no values but those JSON has.
        """
        given = rows if from_json else map(_plain, rows)
        given = given if isinstance(given, Sequence) else list(given)
        houses = [self._house(row) for row in given]
        if None not in houses:
            return houses, NONE_FOUND
        errors = Issues(limits, at_least=1)
        for row, house in enumerate(houses):
            if house is None:
                self._refuse(row, given[row], errors)
        return houses, errors

    def _house(self, given: Any) -> House | None:
        """``given`` with canonical names; None where a value or a name is refused."""
        try:
            house = self._whole(given)
        except ValidationError:
            return None
        return house if len(house) == len(given) else None

    def _refuse(self, row: int, given: Any, errors: Issues) -> None:
        """Add why ``given`` is refused."""
        try:
            right = self._right(given)
        except ValidationError:
            errors.add_only(_no_house(row, given))
            return
        if len(given) > self._most_names:
            errors.add_only(issue(row, None, "unknown_field", self._too_many(given)))
        else:
            self._add(row, given, list(self._faults(given, right)), errors)

    def _add(
        self, row: int, given: Mapping[Any, Any], faults: list[_Fault], errors: Issues
    ) -> None:
        """Add what is wrong in ``given``: ``faults`` of its fields, then names that are none."""
        strays = self._strays(given)
        room = errors.room(row, len(faults) + len(strays))
        for fault in faults[:room]:
            message = refusal(fault.code, fault.feature, fault.value)
            errors.append(issue(row, fault.name, fault.code, message, fault.value))
        for fault in faults[room:]:
            errors.omit(fault.code, fault.name, row, last=row, count=1)
        kept = max(room - len(faults), 0)
        for name in strays[:kept]:
            message = self._stray(name, errors)
            errors.append(issue(row, short(name), "unknown_field", message, given[name]))
        errors.omit("unknown_field", None, row, last=row, count=len(strays) - kept)

    def _faults(self, given: Mapping[Any, Any], right: House) -> Iterator[_Fault]:
        """Yield the fields that are missing or not ``right``, in the order of the spec."""
        for f, names in self._fields:
            if f.name in right:
                continue
            for name in names:
                if name in given:
                    yield _Fault(code_of(f, given[name]), name, f, given[name])
                    break
            else:
                if f.required:
                    yield _Fault("required", f.name, f, None)

    def _strays(self, given: Mapping[Any, Any]) -> list[Any]:
        """Return the names that are not fields, and second names of one field."""
        second = {
            name
            for names in self._aliased
            for name in [name for name in names if name in given][1:]
        }
        return [name for name in given if name not in self._features or name in second]

    def _stray(self, name: Any, errors: Issues) -> str:
        if name in self._features:
            canonical = self._features[name].name
            return f"{name!r} is another name of {canonical!r}, which is also given; send one"
        near = errors.nearest(name, self._names) if isinstance(name, str) else None
        hint = f"did you mean {near!r}?" if near else "see the schema for the fields of a house"
        return f"{short(name)!r} is not a field of a house; {hint}"

    def _too_many(self, given: Mapping[Any, Any]) -> str:
        return (
            f"the object has {len(given):,} names, a house has at most {len(self._fields):,}; "
            f"objects of more than {self._most_names:,} are refused unchecked"
        )


def _no_house(row: int, given: Any) -> Issue:
    if isinstance(given, Malformed):
        return issue(row, None, "malformed_row", given.message)
    return issue(row, None, "wrong_type", f"a house is an object, got {named(given)}", given)


def _house_schema(
    fields: Iterable[Feature], *, on_error: Literal["raise", "omit"] = "raise"
) -> CoreSchema:
    """Of a house, or with "omit" of those of its fields that are right."""
    omit = on_error == "omit"
    return core_schema.typed_dict_schema(
        {
            f.name: core_schema.typed_dict_field(
                core_schema.with_default_schema(value_schema(f), on_error="omit")
                if omit
                else value_schema(f),
                required=f.required and not omit,
                validation_alias=[list[str | int]((name,)) for name in (f.name, *f.aliases)],
            )
            for f in fields
        },
        extra_behavior="ignore",
    )


def _plain(row: Any) -> Any:
    """``row`` with NumPy scalars turned into Python's; what is no number or text into its name."""
    if not isinstance(row, Mapping) or not any(isinstance(v, np.generic) for v in row.values()):
        return row
    return {
        name: (value.item() if value.dtype.kind in "biufU" else [value.dtype.name])
        if isinstance(value, np.generic)
        else value
        for name, value in row.items()
    }
