"""From columns to the model's matrix, and the rows on which the rules for rows must speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.batch.columns import Column, Levels, Mask, Numbers, is_plain_number, levels_of
from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Matrix
from regression_model.reading.rows import RowReader


class Encoded(NamedTuple):
    """A matrix with a row for each of the table, and which rows are doubtful.

    A doubtful row may be refused or warned of; its numbers in the matrix mean nothing. ``known``
    says how many fields of each row are known; ``ids`` are the identifiers, NaN where there is
    none.
    """

    matrix: Matrix
    doubtful: Mask
    known: NDArray[np.intp]
    ids: NDArray[np.float64]


class ColumnEncoder:
    """Does to a whole column what ``HouseValidator`` and ``Encoder`` do to houses.

    Only rows in which nothing is refused and nothing is remarked are encoded here, and that they
    are so is told for a whole column at once: the messages stay in one place.
    """

    def __init__(self, spec: Spec, reader: RowReader) -> None:
        self._spec = spec
        self._encoder = reader.encoder
        self._judge = reader.judge
        self._features = {n: f for f in spec.features for n in (f.name, *f.aliases)}
        self._places = {f.name: j for j, f in enumerate(reader.encoder.features)}
        self._years_of_none = reader.encoder.years_of_none
        self._absent = reader.encoder.encode([{}])[0][0]

    def encode(self, columns: Mapping[str, Column], count: int) -> Encoded:
        """Encode ``count`` rows; ``columns`` have names or other names of features."""
        matrix = np.empty((count, len(self._places)), np.float32, order="F")
        matrix[:] = self._absent
        ids = np.full(count, np.nan)
        doubtful = np.full(count, self._incomplete(columns))
        none = np.zeros(count, np.intp)  # nulls that mean none, of which the matrix knows nothing
        identifier = self._spec.identifier
        for name, column in columns.items():
            f = self._features[name]
            numbers, doubts = self._encode(f, column)
            doubtful |= doubts
            if f.name in self._years_of_none:
                none += np.isnan(numbers)
            if f.name in self._places:
                matrix[:, self._places[f.name]] = np.where(doubts, np.nan, numbers)
            elif f is identifier:
                ids = np.where(doubts, np.nan, numbers)
        doubtful |= self._encoder.needs_warning(matrix)
        known = np.add.reduce(matrix == matrix, axis=1) + none
        return Encoded(matrix, doubtful, known, ids)

    def _incomplete(self, columns: Mapping[str, Column]) -> bool:
        """Whether every row lacks a required field, or gives one under two names."""
        given = [self._features[name].name for name in columns]
        required = {f.name for f in self._spec.features if f.required and f.role != "target"}
        return len(set(given)) < len(given) or not required <= set(given)

    def _encode(self, f: Feature, column: Column) -> tuple[NDArray[np.float64], Mask]:
        if isinstance(column, Numbers):
            if is_plain_number(f):
                return column.values, _doubtful_numbers(f, column.values)
            if f.type != "text":
                column = levels_of(column)
        if isinstance(column, Levels):
            codes = self._judge.codes(f, [*column.values, None])
            numbers = codes[column.index]  # -1, null, is the last
            return numbers, np.isinf(numbers)
        null = np.isnan(column.values) if isinstance(column, Numbers) else column.null
        (code,) = self._judge.codes(f, [None])
        return np.where(null, code, np.nan), ~null | np.isinf(code)


def _doubtful_numbers(f: Feature, values: NDArray[np.float64]) -> Mask:
    doubtful = np.isinf(values)
    if f.minimum is not None:
        doubtful |= values < f.minimum
    if f.maximum is not None:
        doubtful |= values > f.maximum
    if f.type == "integer":
        doubtful |= np.floor(values) != values  # NaN, which is null, is set right below
    null = np.isnan(values)
    return doubtful & ~null | (null if f.required else False)
