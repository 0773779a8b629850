"""What the rules for rows say of single values, asked once for each value and remembered."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import NOTHING
from regression_model.reading.validation import House, HouseValidator

_MAX_REMEMBERED = 100_000
_DOUBTFUL = np.inf  # no code of a value that is free of doubt


class Judge:
    """Encodes values by the very code that encodes houses, so that both agree by construction.

    A value is doubtful where a house with it would be refused or get a warning. What is said then
    depends on the whole house: its row is left to the rules for rows.
    """

    def __init__(self, spec: Spec, validator: HouseValidator, encoder: Encoder) -> None:
        self._validator = validator
        self._encoder = encoder
        self._places = {f.name: j for j, f in enumerate(encoder.features)}
        self._ordinary = {f.name: _ordinary(f) for f in spec.features if f.required}
        self._known: dict[str, dict[Hashable, float]] = {}

    def codes(self, f: Feature, values: Sequence[Any]) -> NDArray[np.float64]:
        """Return the matrix's number for each value of ``f``; infinite where the value is doubtful.

        An identifier has no place in the matrix and is its own code.
        """
        known = self._known.setdefault(f.name, {})
        keys = [value if type(value) is str else (type(value), value) for value in values]
        new = {key: value for key, value in zip(keys, values, strict=True) if key not in known}
        if len(known) + len(new) > _MAX_REMEMBERED:
            known = self._known[f.name] = {}
            new = dict(zip(keys, values, strict=True))
        known |= zip(new, self._judged(f, list(new.values())), strict=True)
        return np.array([known[key] for key in keys], np.float64)

    def _judged(self, f: Feature, values: list[Any]) -> list[float]:
        if not values:
            return []
        given = [{**self._ordinary, f.name: value} for value in values]
        houses, _ = self._validator.check(given, limits=NOTHING)
        accepted = [i for i, house in enumerate(houses) if house is not None]
        passed: list[House] = [house for house in houses if house is not None]
        codes = np.full(len(values), _DOUBTFUL)
        if f.name in self._places:
            place = self._places[f.name]
            matrix, doubtful = self._encoder.doubtful(passed)
            codes[accepted] = np.where(doubtful[:, place], _DOUBTFUL, matrix[:, place])
        else:
            codes[accepted] = [_number(house.get(f.name)) for house in passed]
        result: list[float] = codes.tolist()
        return result


def _ordinary(f: Feature) -> Any:
    """Return a value of ``f`` that no rule refuses."""
    if f.levels:
        return f.levels[0]
    if f.type == "text":
        return ""
    return f.range[0] if f.range else f.minimum or 0.0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else np.nan
