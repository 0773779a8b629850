"""From checked houses to one numeric matrix: numbers as they are, levels as codes, unknown as NaN.

The same encoder feeds the fitted scikit-learn pipeline and its compiled twin, so both see the
same 32-bit values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import NONE, Feature, Level, Spec
from regression_model.reading.issues import (
    NONE_FOUND,
    OF_ANSWER,
    Issue,
    Issues,
    Limits,
    WarningCode,
    issue,
)
from regression_model.reading.validation import House

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
        self._years_of_none = self.years_of_none
        self._doubts = self._possible_doubts()
        self._least, self._most = self._limits_without_doubt()

    def needs_warning(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Return which rows of a matrix get a warning for a number, shape ``(n,)``."""
        found: NDArray[np.bool_] = np.any(matrix < self._low, axis=1)
        found |= np.any(matrix > self._high, axis=1)
        if self._sale_year is not None:
            found |= np.any(matrix[:, self._years] > matrix[:, [self._sale_year]], axis=1)
        return found

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
        """Return names of the matrix's columns."""
        return [f.name for f in self.features]

    @property
    def years_of_none(self) -> list[str]:
        """Return the years whose null means that the house has none: known, but NaN."""
        return [f.name for f in self.features if f.null_means == NONE and not f.has_levels]

    def known(self, houses: Sequence[House], matrix: Matrix) -> list[int]:
        """Return how many fields of each of the encoded houses are known.

        A value counts unless the model does not know it; a null counts where it means none.
        """
        unknown, width = np.isnan(matrix).tobytes(), matrix.shape[1]
        starts = range(0, len(unknown), width)
        counts = [unknown[start : start + width].count(0) for start in starts]
        for name in self._years_of_none:
            counts = [
                count + (house.get(name, name) is None)
                for count, house in zip(counts, houses, strict=True)
            ]
        return counts

    def encode(
        self, houses: Sequence[House], *, limits: Limits = OF_ANSWER
    ) -> tuple[Matrix, Issues]:
        """Return the matrix, shape ``(len(houses), len(features))``, and warnings by row."""
        if not houses:
            return np.empty((0, len(self.features)), np.float32), NONE_FOUND
        matrix = np.array([self._encode_one(house) for house in houses], np.float32)
        doubtful = (matrix < self._least) | (matrix > self._most)
        if 1 not in doubtful.tobytes():
            return matrix, NONE_FOUND
        rows = np.flatnonzero(doubtful.any(axis=1))
        matrix[rows], doubts = self._examine(matrix[rows])
        return matrix, self._warnings(houses, rows, doubts, limits=limits)

    def doubtful(self, houses: Sequence[House]) -> tuple[Matrix, NDArray[np.bool_]]:
        """Return the matrix, and of the same shape, which values would get a warning."""
        rows = [self._encode_one(house) for house in houses]
        matrix = np.array(rows, np.float32).reshape(len(houses), len(self.features))
        matrix, doubts = self._examine(matrix)
        doubtful = np.zeros(matrix.shape, bool)
        for (_, j), doubt in zip(self._doubts, doubts.T, strict=True):
            doubtful[:, j] |= doubt
        return matrix, doubtful

    def _encode_one(self, house: House) -> list[Any]:
        try:
            values = list(map(house.__getitem__, self._blank))
        except KeyError:
            values = list(map((self._blank | house).__getitem__, self._blank))
        return [
            value if codes is None else codes.get(value, _UNDECLARED)
            for codes, value in zip(self._codes, values, strict=True)
        ]

    def _possible_doubts(self) -> list[tuple[WarningCode, int]]:
        """Return every warning that there may be, in the order of the warnings of a row."""
        unseen: list[tuple[WarningCode, int]] = [("unseen_level", j) for j in self._with_levels]
        outside: list[tuple[WarningCode, int]] = [
            ("beyond_training_range", j) for j in range(len(self.features))
        ]
        late: list[tuple[WarningCode, int]] = (
            [] if self._sale_year is None else [("sold_before", j) for j in self._years]
        )
        return [*unseen, *outside, *late]

    def _limits_without_doubt(self) -> tuple[Matrix, Matrix]:
        """Between these, a row has nothing to be warned of; most rows need no other check.

        Codes that are warned of are negative. No house was built before the years in which houses
        are sold without a doubt, so a year up to the first of them cannot be after the sale.
        """
        least, most = self._low.copy(), self._high.copy()
        least[self._with_levels] = 0
        if self._sale_year is not None:
            most[self._years] = np.minimum(most[self._years], least[self._sale_year])
        return _single_above(least), -_single_above(-most)

    def _examine(self, matrix: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
        """``matrix`` with what the model may know of negative codes, and the doubts of each row."""
        codes = matrix[:, self._with_levels]
        unseen = codes < 0
        declared = np.where(codes == _UNDECLARED, np.nan, _UNSEEN - codes)
        matrix[:, self._with_levels] = np.where(unseen, declared, codes)
        outside = (matrix < self._low) | (matrix > self._high)
        late = np.zeros((len(matrix), 0), bool)
        if self._sale_year is not None:
            late = matrix[:, self._years] > matrix[:, [self._sale_year]]
        return matrix, np.hstack([unseen, outside, late])

    def _warnings(
        self,
        houses: Sequence[House],
        rows: NDArray[np.intp],
        doubts: NDArray[np.bool_],
        *,
        limits: Limits,
    ) -> Issues:
        """Return what is said of the ``doubts`` about ``rows``, and how often what is not."""
        warnings = Issues(limits)
        for i, row in enumerate(rows.tolist()):
            raised = np.flatnonzero(doubts[i])
            room = warnings.room(row, len(raised))
            for code, j in (self._doubts[k] for k in raised[:room]):
                warnings.append(self._warning(row, code, self.features[j], houses[row], warnings))
            doubts[i, raised[:room]] = False
        for k in np.flatnonzero(doubts.any(axis=0)):
            code, j = self._doubts[k]
            left = rows[doubts[:, k]].tolist()
            warnings.omit(code, self.features[j].name, left[0], last=left[-1], count=len(left))
        return warnings

    def _warning(
        self, row: int, code: WarningCode, f: Feature, house: House, warnings: Issues
    ) -> Issue:
        value = house.get(f.name)
        if code == "unseen_level":
            message = _unseen(f, value, warnings)
        elif code == "sold_before" and self._sale_year is not None:
            sold = house[self.features[self._sale_year].name]
            message = f"{f.name} is after the year of the sale, {sold:g}"
        else:
            low, high = f.range or (-np.inf, np.inf)
            message = (
                f"{f.name} is outside of what the model was trained on, "
                f"{low:g} to {high:g}{f' ({f.unit})' if f.unit else ''}"
            )
        return issue(row, f.name, code, message, value)


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
    """Return the smallest numbers of single precision that are not less than ``values``."""
    nearest = values.astype(np.float32)
    return np.where(nearest < values, np.nextafter(nearest, np.float32(np.inf)), nearest)


def _unseen(f: Feature, value: Any, warnings: Issues) -> str:
    if value in f.levels:
        return f"no sale of the training data has this level of {f.name}"
    near = warnings.nearest(str(value), tuple(map(str, f.levels)))
    hint = f"; did you mean {near!r}?" if near else ""
    return f"not a level of {f.name}; treated as unknown{hint}"
