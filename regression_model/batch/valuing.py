"""A chunk of a table in, its prices out: clean rows as columns, doubtful ones as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regression_model.answer import NUMBERS, columns_of
from regression_model.batch.chunk import Chunk
from regression_model.batch.encode import Encoded
from regression_model.reading.encoder import Matrix
from regression_model.reading.issues import OF_TABLE, Issues, Limits
from regression_model.reading.rows import Reading
from regression_model.scorer import Valuation

if TYPE_CHECKING:
    from regression_model.model import Model

Score = Callable[[Matrix], Valuation]

_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True)
class Valued:
    """Outcomes of ``n`` rows: arrays of shape ``(n,)``, NaN where there is none, and issues.

    ``numbers`` are the columns of an answer that hold numbers, by name.
    """

    ids: NDArray[np.float64]
    numbers: dict[str, NDArray[np.float64]]
    errors: Issues = field(default_factory=Issues)
    warnings: Issues = field(default_factory=Issues)

    @classmethod
    def unknown(cls, count: int) -> Valued:
        ids, *numbers = np.full((1 + len(NUMBERS), count), np.nan)
        names = (column.name for column in NUMBERS)
        return cls(ids, dict(zip(names, numbers, strict=True)))


class TableValuer:
    """Values chunks as ``Model.predict_rows`` values rows, with the same outcome; thread-safe.

    ``limits`` bound what is said of a chunk.
    """

    def __init__(
        self, model: Model, score: Score | None = None, *, limits: Limits = OF_TABLE
    ) -> None:
        self._model = model
        self._limits = limits
        self._score = score or model.scorer.score
        self._encoder = model.column_encoder

    def value(self, chunk: Chunk) -> Valued:
        valued = Valued.unknown(chunk.count)
        places = chunk.places()
        encoded = self._encoder.encode(chunk.columns, chunk.height)
        clean = np.flatnonzero(~encoded.doubtful)
        if len(clean):
            self._value_columns(valued, places[clean], encoded, clean)
        doubtful = np.flatnonzero(encoded.doubtful)
        rows = dict(chunk.apart)
        if len(doubtful):
            rows |= zip(places[doubtful].tolist(), chunk.rows(doubtful), strict=True)
        if rows:
            order = sorted(rows)
            read = self._value_rows(valued, order, [rows[place] for place in order])
            return replace(valued, errors=read.errors, warnings=read.warnings)
        return valued

    def _value_columns(
        self,
        valued: Valued,
        places: NDArray[np.intp],
        encoded: Encoded,
        rows: NDArray[np.intp],
    ) -> None:
        everything = len(rows) == len(encoded.matrix)
        value = self._score(encoded.matrix if everything else encoded.matrix[rows])
        values: tuple[Any, ...] = (*value, encoded.known[rows])
        for column, found in zip(NUMBERS, values, strict=True):
            numbers = found if column.digits is None else rounded(found, column.digits)
            valued.numbers[column.name][places] = numbers
        ids = encoded.ids[rows]
        whole = (np.abs(ids) <= _LARGEST_EXACT) & (np.floor(ids) == ids)
        valued.ids[places] = np.where(whole, ids, np.nan)

    def _value_rows(self, valued: Valued, places: Sequence[int], rows: Sequence[object]) -> Reading:
        """Put outcomes of ``rows`` into their ``places``; what is said of them has these too."""
        read = self._model.reader.read(rows, limits=self._limits)
        result = self._model.value(read)
        for name, values in columns_of(result).items():
            valued.numbers[name][places] = np.array(values, np.float64)
        valued.ids[places] = np.array(read.ids, np.float64)
        read.errors.move(places)
        read.warnings.move(places)
        return read


def rounded(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """``round(value, digits)`` of each value, to the last bit.

    Scaling may carry a value over the middle between two results; those close to a middle are
    rounded one by one.
    """
    scale = 10.0**digits
    scaled = values * scale
    result: NDArray[np.float64] = np.rint(scaled) / scale
    middle = np.abs(scaled - np.floor(scaled) - 0.5) < 1e-4
    unsure = np.flatnonzero(middle | ~(np.abs(scaled) < 2.0**40))
    result[unsure] = [round(value, digits) for value in values[unsure].tolist()]
    return result
