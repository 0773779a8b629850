"""Houses on which the rules have nothing to say, encoded at once.

The rules are in ``validation`` and ``encoder``. This module only finds houses that pass them
without an error and without a warning, as most do; a house that may not is left to them.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from enum import IntEnum
from itertools import repeat
from operator import getitem, gt, itemgetter, lt, mod
from typing import Any

from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Encoder
from regression_model.reading.value_codes import Judge

MAX_EXACT_INTEGER = 2**53  # the largest integer that a double counts to

_ABSENT = object()  # marks a field that the house does not have
_NUMBERS = frozenset({int, float, type(None)})  # the types of a number; a truth value is none


class _Group(IntEnum):
    """Hold the checks of a field; fields sorted by their checks form groups."""

    TEXT = 0
    LEVEL = 1
    WHOLE = 2
    WHOLE_REQUIRED = 3
    REQUIRED = 4
    OTHER = 5

    @classmethod
    def of(cls, f: Feature) -> _Group:
        if f.has_levels:
            return cls.TEXT if f.type == "text" else cls.LEVEL
        if f.type == "integer":
            return cls.WHOLE_REQUIRED if f.required else cls.WHOLE
        return cls.REQUIRED if f.required else cls.OTHER


class PlainEncoder:
    """Does to most houses, faster, what ``HouseValidator`` and ``Encoder`` do to all.

    Levels are looked up among those free of doubt, numbers compared with limits between which there
    is none. It is done without arrays: between two requests the caches forget the code behind them.
    """

    def __init__(self, spec: Spec, judge: Judge, encoder: Encoder) -> None:
        fields = sorted((f for f in spec.features if f.role != "target"), key=_Group.of)
        groups = [_Group.of(f) for f in fields]
        first = {group: bisect_left(groups, group) for group in _Group}
        self._typed = slice(first[_Group.LEVEL], None)
        self._measured = slice(first[_Group.WHOLE], None)
        self._whole = slice(first[_Group.WHOLE], first[_Group.REQUIRED])
        self._required = slice(first[_Group.WHOLE_REQUIRED], first[_Group.OTHER])
        self._blank = {f.name: _ABSENT if f.has_levels or f.required else None for f in fields}
        self._tables = [_table(f, judge) for f in fields if f.has_levels]
        limits = [_limits(f, encoder) for f in fields[self._measured]]
        self._least, self._most = [low for low, _ in limits], [high for _, high in limits]
        place = {f.name: j for j, f in enumerate(fields)}
        inputs = [place[f.name] for f in encoder.features]
        sold, years = encoder.dates or (0, [])
        self._sold, self._years = inputs[sold], [inputs[j] for j in years]
        self._id = None if spec.identifier is None else place[spec.identifier.name]
        self._years_of_none = encoder.years_of_none
        # Of a single place an itemgetter gives no tuple; a slice of that place is one.
        self._in_order = (
            itemgetter(*inputs) if len(inputs) > 1 else itemgetter(slice(inputs[0], inputs[0] + 1))
        )
        self._pack = struct.Struct(f"={len(encoder.features)}f").pack

    def encode(self, house: Any) -> tuple[bytes, int, int | None] | None:
        """Return the bytes of a house's row, the number of known fields, and its identifier.

        None where the rules have to be asked. The values have the types that JSON has.
        """
        try:
            fields = self._blank | house
            if len(fields) > len(self._blank):
                return None
            values = list(fields.values())
            codes: list[float] = list(map(getitem, self._tables, values))
        except (KeyError, TypeError):  # no house, or a level that is not one for sure
            return None
        types = set(map(type, values[self._typed]))
        if (
            not types <= _NUMBERS
            or None in values[self._required]
            or (float in types and any(map(mod, filter(None, values[self._whole]), repeat(1))))
        ):
            return None
        measured = [math.nan if v is None else v for v in values[self._measured]]
        if any(map(lt, measured, self._least)) or any(map(gt, measured, self._most)):
            return None
        numbers = codes + measured
        years = map(numbers.__getitem__, self._years)
        if any(map(gt, years, repeat(numbers[self._sold]))):
            return None
        identifier = None if self._id is None else values[self._id]
        # Every NaN is the same object, which is found faster than it is compared.
        known = len(self._tables) + len(measured) - numbers.count(math.nan)
        if identifier is not None:
            known -= 1  # it is no input of the model
        for name in self._years_of_none:
            known += house.get(name, name) is None
        row = self._pack(*self._in_order(numbers))
        return row, known, None if identifier is None else int(identifier)


def _limits(f: Feature, encoder: Encoder) -> tuple[float, float]:
    """Between these limits a number is possible, exact as a double, and gets no warning."""
    least, most = -float(MAX_EXACT_INTEGER), float(MAX_EXACT_INTEGER - 1)
    if f.minimum is not None and f.maximum is not None:
        least, most = max(least, f.minimum), min(most, f.maximum)
    if f.name in encoder.names:
        low, high = encoder.limits[:, encoder.names.index(f.name)].tolist()
        least, most = max(least, low), min(most, high)
    return least, most


def _table(f: Feature, judge: Judge) -> dict[Any, float]:
    """Code of each value that ``f`` may have without a doubt."""
    values = [*f.levels, *f.spellings, *([] if f.required else [None])]
    codes = zip(values, judge.codes(f, values).tolist(), strict=True)
    table = {} if f.required else {_ABSENT: math.nan}
    return table | {
        value: math.nan if math.isnan(code) else code
        for value, code in codes
        if not math.isinf(code)
    }
