"""Rows as a model sees them: one matrix, and what is said of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from regression_model.config.spec import Spec
from regression_model.reading.encoder import Encoder, Matrix
from regression_model.reading.fast_path import MAX_EXACT_INTEGER, PlainEncoder
from regression_model.reading.issues import NONE_FOUND, OF_ANSWER, Issues, Limits
from regression_model.reading.validation import House, HouseValidator
from regression_model.reading.value_codes import Judge


class Reading(NamedTuple):
    """What was read of some ``rows``.

    ``matrix`` has a row for each house that is not refused, ``places`` says where it stood and
    ``known`` how many of its fields are known; ``ids`` has an entry for each row.
    """

    rows: int
    matrix: Matrix
    places: Sequence[int]
    known: Sequence[int]
    ids: list[int | None]
    errors: Issues
    warnings: Issues


class RowReader:
    """Check and encode rows: most in one pass, doubtful rows by the rules."""

    def __init__(self, spec: Spec, *, levels_seen: Mapping[str, Sequence[Any]]) -> None:
        self.validator = HouseValidator(spec)
        self.encoder = Encoder(spec, levels_seen=levels_seen)
        self.judge = Judge(spec, self.validator, self.encoder)
        self.plain = PlainEncoder(spec, self.judge, self.encoder)
        self._width = len(spec.inputs)
        self._identifier = None if spec.identifier is None else spec.identifier.name

    def read(
        self, rows: Sequence[Any], *, from_json: bool = False, limits: Limits = OF_ANSWER
    ) -> Reading:
        """Read ``rows``; ``from_json`` promises that no value is of a type JSON does not have."""
        if not from_json:
            return self._read_by_rules(rows, limits=limits)
        packed: list[bytes] = []
        known: list[int] = []
        ids: list[int | None] = []
        doubtful: list[int] = []
        for place, row in enumerate(rows):
            found = self.plain.encode(row)
            if found is None:
                doubtful.append(place)
                ids.append(None)
            else:
                packed.append(found[0])
                known.append(found[1])
                ids.append(found[2])
        matrix = np.frombuffer(b"".join(packed), np.float32).reshape(len(packed), self._width)
        if not doubtful:
            return Reading(len(rows), matrix, range(len(rows)), known, ids, NONE_FOUND, NONE_FOUND)
        odd = [rows[place] for place in doubtful]
        judged = self._read_by_rules(odd, from_json=True, limits=limits)
        judged.errors.move(doubtful)
        judged.warnings.move(doubtful)
        for place, identifier in zip(doubtful, judged.ids, strict=True):
            ids[place] = identifier
        unsaid = sorted(set(range(len(rows))).difference(doubtful))
        places = np.array([*unsaid, *(doubtful[place] for place in judged.places)], np.intp)
        order = np.argsort(places)
        return judged._replace(
            rows=len(rows),
            matrix=np.vstack([matrix, judged.matrix])[order],
            places=places[order].tolist(),
            known=np.array([*known, *judged.known], np.intp)[order].tolist(),
            ids=ids,
        )

    def check(self, rows: Sequence[Any]) -> tuple[list[House | None], Issues, Issues]:
        """Return each row under canonical names, or None if refused; errors; warnings."""
        houses, errors = self.validator.check(rows)
        return houses, errors, self._encode(houses, OF_ANSWER)[3]

    def _read_by_rules(
        self, rows: Sequence[Any], *, from_json: bool = False, limits: Limits
    ) -> Reading:
        houses, errors = self.validator.check(rows, from_json=from_json, limits=limits)
        matrix, places, known, warnings = self._encode(houses, limits)
        ids = self._ids(rows, houses)
        return Reading(len(rows), matrix, places, known, ids, errors, warnings)

    def _encode(
        self, houses: Sequence[House | None], limits: Limits
    ) -> tuple[Matrix, list[int], list[int], Issues]:
        places = [row for row, house in enumerate(houses) if house is not None]
        passed = [house for house in houses if house is not None]
        matrix, warnings = self.encoder.encode(passed, limits=limits)
        if warnings is not NONE_FOUND:
            warnings.move(places)
        return matrix, places, self.encoder.known(passed, matrix), warnings

    def _ids(self, rows: Sequence[Any], houses: Sequence[House | None]) -> list[int | None]:
        if self._identifier is None:
            return [None] * len(rows)
        given = (
            house if house is not None else row if isinstance(row, Mapping) else {}
            for row, house in zip(rows, houses, strict=True)
        )
        return [_whole(house.get(self._identifier)) for house in given]


def _whole(value: Any) -> int | None:
    """``value`` as an identifier, or None where it is none (a refused row may hold anything)."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    exact = abs(value) <= MAX_EXACT_INTEGER and value == int(value)  # NaN fails the first
    return int(value) if exact else None
