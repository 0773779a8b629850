"""Houses on which the rules have nothing to say, encoded at once.

The rules stand in ``records`` and ``encoder``. Here it is only decided that a house passes them
without an error and without a warning, as most do; a house that may not is left to them.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from operator import getitem
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.encoder import Encoder, Matrix
from regression_model.judge import Judge
from regression_model.spec import Feature, Spec

LARGEST_EXACT = 2**53  # the largest integer that a double counts to

Numbers = NDArray[np.float64]

_ABSENT = object()  # stands for a field that the house does not have
_NUMBERS = frozenset({int, float, type(None)})  # the types of a number; a truth value is none


class Plain(NamedTuple):
    """The matrix of houses, shape ``(n, features)``, and their identifiers.

    ``doubtful`` says which rows mean nothing, None where all are good.
    """

    matrix: Matrix
    doubtful: NDArray[np.bool_] | None
    ids: list[int | None]


class _Group(IntEnum):
    """What is asked of a field. Sorted by it, fields of which the same is asked stand together."""

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
    is none.
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
        places = {f.name: j for j, f in enumerate(fields)}
        self._inputs = np.array([places[f.name] for f in encoder.features], np.intp)
        self._id = None if spec.identifier is None else places[spec.identifier.name]
        self._encoder = encoder
        self._possible = np.array([_possible(f) for f in fields]).T.copy()
        self._sure = self._possible.copy()
        for j, limits in zip(self._inputs, encoder.limits.T, strict=True):
            self._sure[:, j] = np.clip(limits, *self._possible[:, j])
        self._pack = struct.Struct(f"={len(fields)}d").pack
        self._unread = self._pack(*[math.nan] * len(fields))

    def encode(self, houses: Sequence[Any]) -> Plain:
        """Encode houses whose values have the types that JSON has."""
        packed, unread = [], []
        for row, house in enumerate(houses):
            try:
                packed.append(self._pack(*self._numbers(house)))
            except (KeyError, TypeError, struct.error):
                packed.append(self._unread)
                unread.append(row)
        numbers = np.frombuffer(b"".join(packed)).reshape(len(packed), len(self._blank))
        if not unread and self._is_sure(numbers):
            return Plain(self._matrix(numbers), None, self._ids(numbers))
        # Most numbers that are not sure are years in which houses were sold.
        impossible = np.any((numbers < self._possible[0]) | (numbers > self._possible[1]), axis=1)
        whole = numbers[:, self._whole]
        impossible |= np.any(np.floor(whole) < whole, axis=1)
        numbers = np.where(impossible[:, None], np.nan, numbers)
        matrix = self._matrix(numbers)
        doubtful = self._encoder.remarkable(matrix)
        doubtful[impossible] = True
        doubtful[unread] = True
        return Plain(matrix, doubtful if doubtful.any() else None, self._ids(numbers))

    def _is_sure(self, numbers: Numbers) -> bool:
        """Whether no number lies beyond its limits, or is a fraction where it must not be."""
        least, most = self._sure
        if np.count_nonzero(numbers < least) or np.count_nonzero(numbers > most):
            return False
        whole = numbers[:, self._whole]
        return not np.count_nonzero(np.floor(whole) < whole)

    def _matrix(self, numbers: Numbers) -> Matrix:
        return numbers.take(self._inputs, axis=1).astype(np.float32)

    def _ids(self, numbers: Numbers) -> list[int | None]:
        if self._id is None:
            return [None] * len(numbers)
        return [
            None if number != number else int(number) for number in numbers[:, self._id].tolist()
        ]

    def _numbers(self, house: Any) -> list[float]:
        """A number for each field; KeyError or TypeError where the rules have to be asked."""
        fields = self._blank | house
        if len(fields) > len(self._blank):
            raise KeyError("a name that is not a field's own")
        values = list(fields.values())
        if not _NUMBERS.issuperset(map(type, values[self._typed])):
            raise TypeError("no number, or none where one is required")
        if None in values[self._required]:
            raise TypeError("null where a number is required")
        codes: list[float] = list(map(getitem, self._tables, values))
        return codes + [math.nan if v is None else v for v in values[self._measured]]


def _possible(f: Feature) -> tuple[float, float]:
    """Limits of what is possible, as far as a double tells whole numbers apart."""
    least = -LARGEST_EXACT if f.minimum is None else max(f.minimum, -LARGEST_EXACT)
    most = LARGEST_EXACT - 1 if f.maximum is None else min(f.maximum, LARGEST_EXACT - 1)
    return least, most


def _table(f: Feature, judge: Judge) -> dict[Any, float]:
    """Code of each value that ``f`` may have without a doubt."""
    values = [*f.levels, *f.spellings, *([] if f.required else [None])]
    codes = zip(values, judge.codes(f, values).tolist(), strict=True)
    table = {} if f.required else {_ABSENT: math.nan}
    return table | {value: code for value, code in codes if not math.isinf(code)}
