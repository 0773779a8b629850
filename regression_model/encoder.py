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
_UNSEEN = -2.0


class Encoder:
    """Encodes houses in the column order of ``spec.inputs``.

    ``levels_seen`` (feature → levels met in training) decides which declared levels get a
    warning; None warns of undeclared levels only.
    """

    def __init__(
        self, spec: Spec, *, levels_seen: Mapping[str, Sequence[Level]] | None = None
    ) -> None:
        self.features = spec.inputs
        self._codes = [
            _codes(f, (levels_seen or {}).get(f.name, f.levels)) if f.has_levels else None
            for f in self.features
        ]
        self._blank = {f.name: _ABSENT if f.has_levels else None for f in self.features}
        self._low = np.array([f.range[0] if f.range else -np.inf for f in self.features])
        self._high = np.array([f.range[1] if f.range else np.inf for f in self.features])
        self._with_levels = np.array([j for j, f in enumerate(self.features) if f.has_levels], int)
        sale = spec.sale_year
        self._sale_year = self.features.index(sale) if sale is not None else None
        years = [f for f in self.features if f.kind == "year" and f is not sale]
        self._years = np.array([self.features.index(f) for f in years], int)
        self._least, self._most = self._limits_without_doubt()

    def remarkable(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Which rows of a matrix would get a warning for a number, shape ``(n,)``."""
        remarkable: NDArray[np.bool_] = np.any(matrix < self._low, axis=1)
        remarkable |= np.any(matrix > self._high, axis=1)
        if self._sale_year is not None:
            remarkable |= np.any(matrix[:, self._years] > matrix[:, [self._sale_year]], axis=1)
        return remarkable

    @property
    def limits(self) -> Matrix:
        """Lowest and highest number of each feature within its range, shape ``(2, features)``."""
        return np.stack([_single_above(self._low), -_single_above(-self._high)])

    @property
    def dates(self) -> tuple[int, list[int]] | None:
        """Place of the year of the sale, and of the years that may not be after it."""
        return None if self._sale_year is None else (self._sale_year, self._years.tolist())

    @property
    def names(self) -> list[str]:
        """Names of the matrix's columns."""
        return [f.name for f in self.features]

    def encode(self, houses: Sequence[House]) -> tuple[Matrix, list[Issue]]:
        """Return the matrix, shape ``(len(houses), len(features))``, and warnings by row."""
        if not houses:
            return np.empty((0, len(self.features)), np.float32), []
        matrix = np.array([self._encode_one(house) for house in houses], np.float32)
        doubtful = (matrix < self._least) | (matrix > self._most)
        if not np.count_nonzero(doubtful):
            return matrix, []
        rows = np.flatnonzero(doubtful.any(axis=1)).tolist()
        matrix[rows], warnings = self._doubts(matrix[rows], [houses[row] for row in rows])
        for warning in warnings:
            warning["row"] = rows[warning["row"] or 0]
        return matrix, warnings

    def _encode_one(self, house: House) -> list[Any]:
        try:
            values = list(map(house.__getitem__, self._blank))
        except KeyError:
            values = list(map((self._blank | house).__getitem__, self._blank))
        return [
            value if codes is None else codes.get(value, _UNDECLARED)
            for codes, value in zip(self._codes, values, strict=True)
        ]

    def _limits_without_doubt(self) -> tuple[Matrix, Matrix]:
        """Between these, a row has nothing to be warned of; most rows need no other check.

        Codes that are warned of are negative. No house stands before the years in which houses are
        sold without a doubt, so a year up to the first of them cannot be after the sale.
        """
        least, most = self._low.copy(), self._high.copy()
        least[self._with_levels] = 0
        if self._sale_year is not None:
            most[self._years] = np.minimum(most[self._years], least[self._sale_year])
        return _single_above(least), -_single_above(-most)

    def _doubts(self, matrix: Matrix, houses: Sequence[House]) -> tuple[Matrix, list[Issue]]:
        warnings = self._level_warnings(matrix, houses)
        warnings += self._range_warnings(matrix, houses)
        warnings += self._order_warnings(matrix, houses)
        warnings.sort(key=lambda w: w["row"] or 0)
        return matrix, warnings

    def _level_warnings(self, matrix: Matrix, houses: Sequence[House]) -> list[Issue]:
        """Warn of negative codes, and put what the model may know of them in their places."""
        codes = matrix[:, self._with_levels]
        found = []
        for row, i in zip(*np.nonzero(codes < 0), strict=True):
            feature = self.features[self._with_levels[i]]
            value = houses[row].get(feature.name)
            found.append(
                issue(int(row), feature.name, "unseen_level", _unseen(feature, value), value)
            )
        declared = np.where(codes == _UNDECLARED, np.nan, _UNSEEN - codes)
        matrix[:, self._with_levels] = np.where(codes < 0, declared, codes)
        return found

    def _range_warnings(self, matrix: Matrix, houses: Sequence[House]) -> list[Issue]:
        outside = (matrix < self._low) | (matrix > self._high)
        found = []
        for row, j in zip(*np.nonzero(outside), strict=True):
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
        sold = matrix[:, [self._sale_year]]
        found = []
        for row, i in zip(*np.nonzero(matrix[:, self._years] > sold), strict=True):
            f = self.features[self._years[i]]
            value = houses[row][f.name]
            message = f"{f.name} is after the year of the sale, {sold[row, 0]:g}"
            found.append(issue(int(row), f.name, "sold_before", message, value))
        return found


def _codes(f: Feature, seen: Sequence[Level]) -> dict[Any, float]:
    """Code by value; that of a level not among ``seen`` is ``_UNSEEN`` minus its position."""
    met = set(seen)
    codes: dict[Any, float] = {
        level: float(i) if level in met else _UNSEEN - i for i, level in enumerate(f.levels)
    }
    codes |= {spelling: codes[level] for spelling, level in f.spellings.items()}
    codes[None] = codes.get(f.null_means, np.nan)
    codes[_ABSENT] = np.nan
    return codes


def _single_above(values: NDArray[np.float64]) -> Matrix:
    """The smallest numbers of single precision that are not less than ``values``."""
    nearest = values.astype(np.float32)
    return np.where(nearest < values, np.nextafter(nearest, np.float32(np.inf)), nearest)


def _unseen(f: Feature, value: Any) -> str:
    near = difflib.get_close_matches(str(value), [str(level) for level in f.levels], n=1)
    if value in f.levels:
        return f"no sale of the training data has this level of {f.name}"
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"not a level of {f.name}; treated as unknown{hint}"
