"""One of two models, with its prices of the houses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regression_model.explaining.explain import typical_row
from regression_model.model import Model
from regression_model.reading.encoder import Matrix
from regression_model.reading.issues import OF_TABLE
from regression_model.reading.rows import Reading
from regression_model.reading.tables import CHUNK_ROWS

Reals = NDArray[np.float64]
Step = Callable[[str], None]


@dataclass(frozen=True)
class ValuedModel:
    """Hold a model, the encoded houses, and their prices and ranges in dollars.

    ``matrix`` has the shape ``(n, inputs)``, the other arrays ``(n,)``. A house that the model
    refuses is NaN in all of them; ``reasons`` says why, by row.
    """

    model: Model
    matrix: Matrix
    price: Reals
    low: Reals
    high: Reals
    ids: Sequence[int | None]
    reasons: Mapping[int, str]

    @property
    def fields(self) -> list[str]:
        """Return the names of the columns of ``matrix``."""
        return [f.name for f in self.model.spec.inputs]

    def take(self, rows: NDArray[np.intp]) -> ValuedModel:
        """Return the same model with the houses at ``rows`` only."""
        return ValuedModel(
            self.model,
            matrix=self.matrix[rows],
            price=self.price[rows],
            low=self.low[rows],
            high=self.high[rows],
            ids=[self.ids[row] for row in rows],
            reasons={},
        )

    def log_price(self, matrix: Matrix) -> Reals:
        """Return the natural logarithm of the price of encoded houses."""
        return np.log(self.model.scorer.score(matrix).price)

    def typical(self) -> Matrix:
        """Return the typical house among these, shape ``(inputs,)``."""
        return typical_row(self.matrix, self.model.spec.inputs)

    def places(self) -> list[str] | None:
        """Return the location of each house; None if the model has no locations."""
        spec = self.model.spec
        if spec.location is None:
            return None
        codes = self.matrix[:, spec.inputs.index(spec.location)]
        levels = spec.location.levels
        return ["unknown" if np.isnan(code) else str(levels[int(code)]) for code in codes]


def value_rows(model: Model, rows: Sequence[object], *, step: Step) -> ValuedModel:
    """Value ``rows`` with ``model``, by its own rules."""
    count = len(rows)
    matrix = np.full((count, len(model.spec.inputs)), np.nan, np.float32)
    price, low, high = np.full((3, count), np.nan)
    ids: list[int | None] = []
    reasons: dict[int, str] = {}
    for start in range(0, count, CHUNK_ROWS):
        read: Reading = model.reader.read(rows[start : start + CHUNK_ROWS], limits=OF_TABLE)
        places = start + np.asarray(read.places, dtype=np.intp)
        if len(places):
            found = model.scorer.score(read.matrix)
            matrix[places] = read.matrix
            price[places], low[places], high[places] = found.price, found.low, found.high
        ids += read.ids
        reasons |= {start + (row or 0): text for row, text in read.errors.texts().items()}
        step("houses valued")
    return ValuedModel(model, matrix, price, low, high, ids, reasons)
