"""Columns of a graph that are not computed yet, and weighted sums of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Column(NamedTuple):
    """Column ``place`` of a ``tensor``, and what is still to be done to it.

    Its code is looked up in ``table``, where there is one (a code beyond it gets the last entry);
    then each operation of ``arithmetic`` is applied with its constant.
    """

    tensor: str
    place: int
    table: tuple[float, ...] = ()
    arithmetic: tuple[tuple[str, float], ...] = ()

    def line(self) -> tuple[float, float]:
        """The arithmetic as slope and intercept, which may differ from it by rounding."""
        slope, intercept = 1.0, 0.0
        for kind, constant in self.arithmetic:
            if kind in ("Mul", "Div"):
                factor = constant if kind == "Mul" else 1.0 / constant
                slope, intercept = slope * factor, intercept * factor
            else:
                intercept += constant if kind == "Add" else -constant
        return slope, intercept

    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind, _ in self.arithmetic)


Columns = tuple[Column, ...]


class Sums(NamedTuple):
    """Weighted sums of columns without arithmetic: ``weights`` has shape (columns, sums)."""

    columns: Columns
    weights: Matrix
    offsets: Vector

    @classmethod
    def of(cls, columns: Columns, weights: Matrix, offsets: Vector) -> Self:
        """The sums of ``columns``, whose arithmetic becomes part of weights and offsets."""
        slopes, intercepts = np.array([c.line() for c in columns]).T
        bare = tuple(c._replace(arithmetic=()) for c in columns)
        return cls(bare, slopes[:, None] * weights, offsets + intercepts @ weights)

    @classmethod
    def together(cls, several: Iterable[Sums]) -> Self:
        """All of ``several`` side by side, over the columns of any of them."""
        chosen = list(several)
        columns = tuple(dict.fromkeys(c for sums in chosen for c in sums.columns))
        row = {column: i for i, column in enumerate(columns)}
        blocks = []
        for sums in chosen:
            block = np.zeros((len(columns), sums.weights.shape[1]))
            np.add.at(block, [row[c] for c in sums.columns], sums.weights)
            blocks.append(block)
        return cls(columns, np.hstack(blocks), np.concatenate([s.offsets for s in chosen]))

    def tensors(self) -> set[str]:
        return {c.tensor for c in self.columns}

    def plain(self) -> list[int]:
        """Positions of the columns without a table."""
        return [j for j, c in enumerate(self.columns) if not c.table]

    def table(self, code: Column, length: int) -> Matrix:
        """What each code of column ``code`` adds to each sum, shape (length, sums)."""
        total = np.zeros((length, self.weights.shape[1]))
        for column, weights in zip(self.columns, self.weights, strict=True):
            if column.table and column._replace(table=()) == code:
                total += longer(column.table, length)[:, None] * weights
        return total


def longer(table: Sequence[float] | Vector, length: int) -> Vector:
    """The table with its last entry repeated up to ``length`` entries."""
    return np.pad(np.asarray(table), (0, length - len(table)), mode="edge")
