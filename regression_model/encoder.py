"""From checked houses to one numeric matrix: numbers as they are, levels as codes, unknown as NaN.

The same encoder feeds the fitted scikit-learn pipeline and its compiled twin, so both see the
same 32-bit values.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.issues import Issue, issue
from regression_model.records import House
from regression_model.spec import Feature, Level, Spec

Matrix = NDArray[np.float32]

_ABSENT = object()
_UNDECLARED = -1.0


class Encoder:
    """Encodes houses in the column order of ``spec.inputs``.

    ``levels_seen`` (feature → levels met in training) decides which declared levels get a
    warning; None warns of undeclared levels only.
    """

    def __init__(
        self, spec: Spec, *, levels_seen: Mapping[str, Sequence[Level]] | None = None
    ) -> None:
        self.features = spec.inputs
        self._codes = [_codes(f) if f.has_levels else None for f in self.features]
        self._low = np.array([f.range[0] if f.range else -np.inf for f in self.features])
        self._high = np.array([f.range[1] if f.range else np.inf for f in self.features])
        self._with_levels = np.array([j for j, f in enumerate(self.features) if f.has_levels], int)
        self._seen = self._seen_table(levels_seen)
        sale = spec.sale_year
        self._sale_year = self.features.index(sale) if sale is not None else None
        years = [f for f in self.features if f.kind == "year" and f is not sale]
        self._years = np.array([self.features.index(f) for f in years], int)

    @property
    def names(self) -> list[str]:
        """Names of the matrix's columns."""
        return [f.name for f in self.features]

    def encode(self, houses: Sequence[House]) -> tuple[Matrix, list[Issue]]:
        """Return the matrix, shape ``(len(houses), len(features))``, and warnings by row."""
        matrix = np.empty((len(houses), len(self.features)), np.float32)
        for row, house in enumerate(houses):
            matrix[row] = self._encode_one(house)
        warnings = self._level_warnings(matrix, houses)
        warnings += self._range_warnings(matrix, houses)
        warnings += self._order_warnings(matrix, houses)
        warnings.sort(key=lambda w: w["row"] or 0)
        return matrix, warnings

    def remarkable(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Which rows of a matrix get a warning for a number, shape ``(n,)``."""
        remarkable: NDArray[np.bool_] = np.any(self._outside(matrix), axis=1)
        remarkable |= self._sold_before(matrix).any(axis=1)
        return remarkable

    def _outside(self, matrix: Matrix) -> NDArray[np.bool_]:
        return (matrix < self._low) | (matrix > self._high)

    def _sold_before(self, matrix: Matrix) -> NDArray[np.bool_]:
        if self._sale_year is None:
            return np.zeros((len(matrix), 0), bool)
        later: NDArray[np.bool_] = matrix[:, self._years] > matrix[:, [self._sale_year]]
        return later

    def _encode_one(self, house: House) -> list[Any]:
        get = house.get
        return [
            get(f.name) if codes is None else codes.get(get(f.name, _ABSENT), _UNDECLARED)
            for f, codes in zip(self.features, self._codes, strict=True)
        ]

    def _seen_table(self, levels_seen: Mapping[str, Sequence[Level]] | None) -> NDArray[np.bool_]:
        widest = max((len(f.levels) for f in self.features), default=0)
        table = np.ones((len(self._with_levels), widest + 1), bool)
        table[:, widest] = False  # where code -1, an undeclared level, lands
        if levels_seen is not None:
            for i, j in enumerate(self._with_levels):
                feature = self.features[j]
                seen = set(levels_seen[feature.name])
                table[i, : len(feature.levels)] = [level in seen for level in feature.levels]
        return table

    def _level_warnings(self, matrix: Matrix, houses: Sequence[House]) -> list[Issue]:
        codes = matrix[:, self._with_levels]
        known = ~np.isnan(codes)
        index = np.where(known, codes, 0).astype(np.intp)
        strange = known & ~self._seen[np.arange(len(self._with_levels)), index]
        found = []
        for row, i in zip(*np.nonzero(strange), strict=True):
            feature = self.features[self._with_levels[i]]
            value = houses[row].get(feature.name)
            found.append(
                issue(int(row), feature.name, "unseen_level", _unseen(feature, value), value)
            )
        if found:
            matrix[:, self._with_levels] = np.where(codes == _UNDECLARED, np.nan, codes)
        return found

    def _range_warnings(self, matrix: Matrix, houses: Sequence[House]) -> list[Issue]:
        found = []
        for row, j in zip(*np.nonzero(self._outside(matrix)), strict=True):
            f = self.features[j]
            value = houses[row][f.name]
            message = (
                f"{f.name} is outside of what the model was trained on, "
                f"{self._low[j]:g} to {self._high[j]:g}{f' ({f.unit})' if f.unit else ''}"
            )
            found.append(issue(int(row), f.name, "beyond_training_range", message, value))
        return found

    def _order_warnings(self, matrix: Matrix, houses: Sequence[House]) -> list[Issue]:
        if self._sale_year is None:
            return []
        found = []
        for row, i in zip(*np.nonzero(self._sold_before(matrix)), strict=True):
            f = self.features[self._years[i]]
            value = houses[row][f.name]
            message = f"{f.name} is after the year of the sale, {matrix[row, self._sale_year]:g}"
            found.append(issue(int(row), f.name, "sold_before", message, value))
        return found


def _codes(f: Feature) -> dict[Any, float]:
    codes: dict[Any, float] = {level: float(i) for i, level in enumerate(f.levels)}
    codes |= {spelling: codes[level] for spelling, level in f.spellings.items()}
    codes[None] = codes.get(f.null_means, np.nan)
    codes[_ABSENT] = np.nan
    return codes


def _unseen(f: Feature, value: Any) -> str:
    near = difflib.get_close_matches(str(value), [str(level) for level in f.levels], n=1)
    if value in f.levels:
        return f"no sale of the training data has this level of {f.name}"
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"not a level of {f.name}; treated as unknown{hint}"
