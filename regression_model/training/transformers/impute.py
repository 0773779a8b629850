"""Unknown values: flagged, then filled as the config declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from regression_model.config.spec import Imputation
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer

Rule = tuple[int, int, Matrix | None]  # filled column, column it depends on, its table of groups


class MissingFlagger(MatrixTransformer):
    """Append ``<column>_missing`` for each column: 1 where its value is unknown, else 0.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.

    Attributes
    ----------
    positions_ : ndarray of int
        Positions of the columns.
    """

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)

    def _apply(self, matrix: Matrix) -> Matrix:
        return np.hstack([matrix, np.isnan(matrix[:, self.positions_]).astype(float)])

    def _names_out(self, names: list[str]) -> list[str]:
        return [*names, *(f"{names[j]}_missing" for j in self.positions_)]


class DeclaredImputer(MatrixTransformer):
    """Fill unknown values by a rule for each column.

    A rule is a statistic (also within groups), a constant or another column. A group that training
    did not hold, or held without a value, gets the overall statistic. A column that is unknown in
    all rows gets 0.

    Parameters
    ----------
    rules : mapping of str to Imputation, optional
        Rule of the specification by column. A column without a rule gets its median.

    Attributes
    ----------
    fill_ : ndarray of float64, shape (columns,)
        Overall fill value of each column.
    group_tables_ : list of (int, int, ndarray)
        Column, grouping column, and fill value by code of the group.
    copied_ : ndarray of int, shape (rules, 2)
        Column, and the column whose value it takes.
    """

    def __init__(self, rules: Mapping[str, Imputation] | None = None) -> None:
        self.rules = rules

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        rules = {self._position(name): rule for name, rule in (self.rules or {}).items()}
        median = Imputation(method="median")
        self.fill_ = np.array(
            [_statistic(matrix[:, j], rules.get(j, median)) for j in range(matrix.shape[1])]
        )
        filled = np.where(np.isnan(matrix), self.fill_, matrix)
        self.group_tables_ = [
            (j, g, self._group_table(matrix[:, j], filled[:, g], rule, self.fill_[j]))
            for j, rule in rules.items()
            if rule.by is not None
            for g in [self._position(rule.by)]
        ]
        copied = [(j, self._position(r.feature)) for j, r in rules.items() if r.feature is not None]
        self.copied_ = np.array(copied, dtype=np.intp).reshape(-1, 2)

    def _position(self, name: str) -> int:
        return int(self._positions([name])[0])

    def _group_table(
        self, values: Matrix, codes: Matrix, rule: Imputation, overall: float
    ) -> Matrix:
        table = np.full(int(codes.max()) + 1, overall)
        for code in np.unique(codes):
            members = values[codes == code]
            if not np.isnan(members).all():
                table[int(code)] = _statistic(members, rule)
        return table

    def _apply(self, matrix: Matrix) -> Matrix:
        unknown = np.isnan(matrix)
        filled = np.where(unknown, self.fill_, matrix)
        for j, g, table in self.group_tables_:
            codes = filled[:, g].astype(np.intp)
            by_group = np.append(table, self.fill_[j])[np.minimum(codes, len(table))]
            filled[:, j] = np.where(unknown[:, j], by_group, filled[:, j])
        for j, source in self.copied_:
            filled[:, j] = np.where(unknown[:, j], filled[:, source], filled[:, j])
        return filled

    def waves(self) -> Iterator[list[Rule]]:
        """Yield the rules that fill from other columns; no rule of a wave needs another."""
        copies: list[Rule] = [(int(j), int(source), None) for j, source in self.copied_]
        wave: list[Rule] = []
        for rule in [*self.group_tables_, *copies]:
            if rule[1] in [j for j, *_ in wave]:
                yield wave
                wave = []
            wave.append(rule)
        if wave:
            yield wave


def _statistic(values: Matrix, rule: Imputation) -> float:
    if rule.method == "constant":
        return float(rule.value or 0.0)
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0
    if rule.method == "mean":
        return float(known.mean())
    if rule.method == "most frequent":
        levels, counts = np.unique(known, return_counts=True)
        return float(levels[counts.argmax()])
    return float(np.median(known))


@convert.register
def _(step: MissingFlagger, graph: GraphBuilder, x: str) -> str:
    return graph.append(x, graph.unknown(graph.columns(x, step.positions_)))


@convert.register
def _(step: DeclaredImputer, graph: GraphBuilder, x: str) -> str:
    places = graph.may_be_unknown(x)
    given = graph.columns(x, places)
    unknown = graph.op("IsNaN", given)
    filled = graph.op("Where", unknown, graph.constant(step.fill_[None, places]), given)
    filled = graph.replace(x, places, filled)
    for rules in step.waves():
        found = graph.append(*(_other_fill(step, graph, filled, rule) for rule in rules))
        candidates = graph.replace(filled, np.array([j for j, *_ in rules]), found)
        chosen = graph.op("Where", unknown, graph.columns(candidates, places), given)
        filled = graph.replace(filled, places, chosen)
    return filled


def _other_fill(step: DeclaredImputer, graph: GraphBuilder, filled: str, rule: Rule) -> str:
    j, source, table = rule
    values = graph.columns(filled, [source])
    return values if table is None else graph.lookup(values, [np.append(table, step.fill_[j])])
