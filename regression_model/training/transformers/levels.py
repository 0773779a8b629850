"""Codes of levels: scored, grouped where rare, spread into indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer


class CodeTables(MatrixTransformer):
    """Replace the code of a level by an entry of a learned table; base of three steps.

    Attributes
    ----------
    positions_ : ndarray of int
        Positions of the columns.
    tables_ : list of ndarray of float64
        Entry by code, for each column. A code beyond the table gets the last entry.
    """

    positions_: NDArray[np.intp]
    tables_: list[Matrix]

    def _apply(self, matrix: Matrix) -> Matrix:
        return self._replace(matrix, self.tables_)

    def _replace(self, matrix: Matrix, tables: Sequence[Matrix]) -> Matrix:
        result = matrix.copy()
        for j, table in zip(self.positions_, tables, strict=True):
            result[:, j] = table[_codes(matrix[:, j], len(table))]
        return result


class OrdinalMapper(CodeTables):
    """Replace the codes of ordered levels by declared scores.

    Parameters
    ----------
    scores : mapping of str to sequence of float, optional
        One score for each level, in the order of the config, by column.
    """

    def __init__(self, scores: Mapping[str, Sequence[float]] | None = None) -> None:
        self.scores = scores

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        scores = self.scores or {}
        self.positions_ = self._positions(list(scores))
        self.tables_ = [np.asarray(values, dtype=float) for values in scores.values()]


class RareLevelGrouper(CodeTables):
    """Give all rare levels of a column one common code.

    The common code is one more than the largest code of training. A level that training did not
    hold is rare.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.
    share : float, default 0.01
        Levels with a smaller share of the rows are rare; at least 0 and less than 1.

    Raises
    ------
    ValueError
        In ``fit``, if ``share`` is out of bounds.
    """

    def __init__(self, columns: Columns = None, share: float = 0.01) -> None:
        self.columns = columns
        self.share = share

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self._require("share", 0 <= self.share < 1, "a share of rows: 0 up to, not with, 1")
        self.positions_ = self._positions(self.columns)
        self.tables_ = [self._table(matrix[:, j]) for j in self.positions_]

    def _table(self, values: Matrix) -> Matrix:
        codes = values[~np.isnan(values)].astype(np.intp)
        counts = np.bincount(np.maximum(codes, 0), minlength=1)
        rare = len(counts)
        kept = (counts > 0) & (counts >= self.share * max(len(codes), 1))
        return np.append(np.where(kept, np.arange(rare), rare), rare).astype(float)


class LevelIndicators(MatrixTransformer):
    """Replace each column by one column of 0 and 1 for each code that training held.

    The other columns come first. A code that training did not hold is 0 in all new columns.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.

    Attributes
    ----------
    positions_, rest_ : ndarray of int
        Positions of the replaced and of the other columns.
    sources_, codes_ : ndarray
        Column and code of each new column.
    """

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)
        self.rest_ = np.setdiff1d(np.arange(matrix.shape[1]), self.positions_)
        found = [np.unique(matrix[~np.isnan(matrix[:, j]), j]) for j in self.positions_]
        sizes = [len(codes) for codes in found]
        self.sources_ = np.repeat(self.positions_, sizes)
        self.codes_ = np.concatenate(found) if found else np.empty(0)

    def _apply(self, matrix: Matrix) -> Matrix:
        indicators = (matrix[:, self.sources_] == self.codes_).astype(float)
        return np.hstack([matrix[:, self.rest_], indicators])

    def _names_out(self, names: list[str]) -> list[str]:
        marks = [f"{names[j]}={c:g}" for j, c in zip(self.sources_, self.codes_, strict=True)]
        return [*(names[j] for j in self.rest_), *marks]


def _codes(values: Matrix, size: int) -> NDArray[np.intp]:
    known = np.where(np.isnan(values), size - 1, values)
    return np.clip(known, 0, size - 1).astype(np.intp)


@convert.register
def _(step: CodeTables, graph: GraphBuilder, x: str) -> str:
    if not len(step.positions_):
        return x
    mapped = graph.lookup(graph.columns(x, step.positions_), step.tables_)
    return graph.replace(x, step.positions_, mapped)


@convert.register
def _(step: LevelIndicators, graph: GraphBuilder, x: str) -> str:
    indicators = graph.indicators(graph.columns(x, step.sources_), step.codes_)
    return graph.append(graph.columns(x, step.rest_), indicators)
