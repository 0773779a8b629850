"""Unknown values: flagged, then filled as the config declares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import TensorProto

from regression_model.spec import Imputation
from regression_model.training.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer


class MissingFlagger(MatrixTransformer):
    """Appends, for each of ``columns``, a column that is 1 where its value is unknown."""

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)

    def _apply(self, matrix: Matrix) -> Matrix:
        return np.hstack([matrix, np.isnan(matrix[:, self.positions_]).astype(float)])

    def _names_out(self, names: list[str]) -> list[str]:
        return [*names, *(f"{names[j]}_missing" for j in self.positions_)]


class DeclaredImputer(MatrixTransformer):
    """Fills unknown values by rule: a statistic (also within groups), a constant, another column.

    ``rules`` maps a column to its :class:`~regression_model.spec.Imputation`; columns without one
    get their median. A group that training never met, or met without a value, gets the overall
    statistic; a column that is unknown throughout gets 0.
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
    unknown = graph.op("IsNaN", graph.columns(x, step.positions_))
    return graph.append(x, graph.cast(unknown, TensorProto.DOUBLE))


@convert.register
def _(step: DeclaredImputer, graph: GraphBuilder, x: str) -> str:
    unknown = graph.op("IsNaN", x)
    filled = graph.op("Where", unknown, graph.constant(step.fill_[None, :]), x)
    width = step.n_features_in_
    for j, g, table in step.group_tables_:
        last = graph.constant([[float(len(table))]])
        codes = graph.op("Min", graph.columns(filled, [g]), last)
        by_group = graph.lookup(codes, [np.append(table, step.fill_[j])])
        place = np.array([j])
        chosen = graph.op(
            "Where", graph.columns(unknown, place), by_group, graph.columns(filled, place)
        )
        filled = graph.replace(filled, width, place, chosen)
    if len(step.copied_):
        places, sources = step.copied_.T
        chosen = graph.op(
            "Where",
            graph.columns(unknown, places),
            graph.columns(filled, sources),
            graph.columns(filled, places),
        )
        filled = graph.replace(filled, width, places, chosen)
    return filled
