"""Features computed from others by the formulas of the config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
from onnx import TensorProto

from regression_model.config.spec import Derived
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Matrix, MatrixTransformer

_COMPARE = {
    "=": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}
_NODE = {"=": "Equal", ">": "Greater", ">=": "GreaterOrEqual", "<": "Less", "<=": "LessOrEqual"}


class DerivedFeatures(MatrixTransformer):
    """Appends one column for each formula; a formula may use the columns of earlier ones.

    ``formulas`` are specifications (``Derived``) whose flags compare with numbers; an
    integer is the code of a level (the pipeline gives it).
    """

    def __init__(self, formulas: Sequence[Derived] = ()) -> None:
        self.formulas = formulas

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        names = self._names_in()
        self.positions_: list[list[int]] = []
        for formula in self.formulas:
            missing = [t.feature for t in formula.terms if t.feature not in names]
            if missing:
                raise ValueError(
                    f"DerivedFeatures: {formula.name} needs {missing[0]!r}, which is no column"
                )
            self.positions_.append([names.index(t.feature) for t in formula.terms])
            names.append(formula.name)

    def _apply(self, matrix: Matrix) -> Matrix:
        for formula, positions in zip(self.formulas, self.positions_, strict=True):
            column = _compute(formula, [matrix[:, j] for j in positions])
            matrix = np.hstack([matrix, column[:, None]])
        return matrix

    def _names_out(self, names: list[str]) -> list[str]:
        return [*names, *(formula.name for formula in self.formulas)]

    def stages(self) -> Iterator[list[int]]:
        """Indices of consecutive formulas of one kind and size that do not need each other."""
        stage: list[int] = []
        for i, formula in enumerate(self.formulas):
            if stage and not self._joins(stage, i, formula):
                yield stage
                stage = []
            stage.append(i)
        if stage:
            yield stage

    def _joins(self, stage: list[int], i: int, formula: Derived) -> bool:
        first = self.formulas[stage[0]]
        independent = max(self.positions_[i]) < self.n_features_in_ + stage[0]
        return independent and _shape(formula) == _shape(first)


def _shape(formula: Derived) -> tuple[str, int, str]:
    sums = formula.formula in ("sum", "difference")
    count = 0 if sums else len(formula.terms)
    compared = "level" if isinstance(formula.value, int) else formula.comparison
    return ("sum" if sums else formula.formula, count, compared or "")


def _weights(formula: Derived) -> list[float]:
    signs = [1.0, *([-1.0] if formula.formula == "difference" else [1.0] * len(formula.terms))]
    return [sign * term.weight for sign, term in zip(signs, formula.terms, strict=False)]


def _compute(formula: Derived, columns: list[Matrix]) -> Matrix:
    if formula.formula in ("sum", "difference"):
        parts = [w * c for w, c in zip(_weights(formula), columns, strict=True)]
        return np.asarray(np.sum(parts, axis=0))
    if formula.formula == "product":
        return np.asarray(np.prod(columns, axis=0))
    if formula.formula == "ratio":
        whole = columns[1]
        return np.where(whole == 0, 0.0, columns[0] / np.where(whole == 0, 1.0, whole))
    # A flag: the spec gives it a comparison, the pipeline has replaced a level by its code.
    compare = _COMPARE[cast(str, formula.comparison)]
    flags: Matrix = compare(columns[0], cast(float, formula.value)).astype(float)
    return flags


@convert.register
def _(step: DerivedFeatures, graph: GraphBuilder, x: str) -> str:
    width = step.n_features_in_
    for stage in step.stages():
        formulas = [step.formulas[i] for i in stage]
        positions = [step.positions_[i] for i in stage]
        x = graph.append(x, _stage_nodes(graph, x, width, formulas, positions))
        width += len(stage)
    return x


def _stage_nodes(
    graph: GraphBuilder,
    x: str,
    width: int,
    formulas: list[Derived],
    positions: list[list[int]],
) -> str:
    kind = formulas[0].formula
    if kind in ("sum", "difference"):
        weights = np.zeros((width, len(formulas)))
        for k, (formula, places) in enumerate(zip(formulas, positions, strict=True)):
            np.add.at(weights[:, k], places, _weights(formula))
        return graph.sums(x, weights)
    terms = [graph.columns(x, list(places)) for places in zip(*positions, strict=True)]
    if kind == "product":
        result = terms[0]
        for term in terms[1:]:
            result = graph.op("Mul", result, term)
        return result
    if kind == "ratio":
        quotient, zero = graph.op("Div", *terms), graph.constant([[0.0]])
        if graph.is_positive(terms[1]):
            return quotient
        return graph.op("Where", graph.op("Equal", terms[1], zero), zero, quotient)
    return _flag_nodes(graph, terms[0], formulas)


def _flag_nodes(graph: GraphBuilder, x: str, formulas: list[Derived]) -> str:
    if isinstance(formulas[0].value, int):
        return graph.lookup(x, [_marked_levels(formula) for formula in formulas])
    values = graph.constant([[formula.value for formula in formulas]])
    comparison = formulas[0].comparison or "="
    if comparison == "!=":
        flags = graph.op("Not", graph.op("Equal", x, values))
    else:
        flags = graph.op(_NODE[comparison], x, values)
    return graph.cast(flags, TensorProto.DOUBLE)


def _marked_levels(flag: Derived) -> Matrix:
    """What ``flag`` is for each code, the last one standing for all beyond."""
    code = cast(int, flag.value)
    marks: Matrix = _COMPARE[cast(str, flag.comparison)](np.arange(code + 2), code).astype(float)
    return marks
