"""Features computed from others by the formulas of the config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
from onnx import TensorProto

from regression_model.config.formulas import COMPARISONS, FORMULAS, weights_of
from regression_model.config.spec import Derived
from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Matrix, MatrixTransformer

# Gets the matrix of each term, one column for each formula, and gives a matrix of the same shape.
Nodes = Callable[[GraphBuilder, list[str], list[Derived]], str]
NODES: dict[str, Nodes] = {}
_NODE = {"=": "Equal", ">": "Greater", ">=": "GreaterOrEqual", "<": "Less", "<=": "LessOrEqual"}


class DerivedFeatures(MatrixTransformer):
    """Append one column for each formula.

    A formula may use the columns of earlier formulas.

    Parameters
    ----------
    formulas : sequence of Derived
        Formulas of the specification. A flag compares with a number; an integer is the code of a
        level.

    Attributes
    ----------
    positions_ : list of list of int
        Columns that each formula reads.

    Raises
    ------
    ValueError
        In ``fit``, if a formula needs a column that does not exist.
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
                    f"DerivedFeatures: {formula.name} needs {missing[0]!r}, which is not a column"
                )
            self.positions_.append([names.index(t.feature) for t in formula.terms])
            names.append(formula.name)

    def _apply(self, matrix: Matrix) -> Matrix:
        for formula, positions in zip(self.formulas, self.positions_, strict=True):
            compute = FORMULAS[formula.formula].compute
            column = compute(formula, [matrix[:, j] for j in positions])
            matrix = np.hstack([matrix, column[:, None]])
        return matrix

    def _names_out(self, names: list[str]) -> list[str]:
        return [*names, *(formula.name for formula in self.formulas)]

    def stages(self) -> Iterator[list[int]]:
        """Yield the indices of consecutive formulas that are alike and independent."""
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
    if FORMULAS[formula.formula].is_weighted_sum:
        return "weighted sum", 0, ""
    compared = "level" if isinstance(formula.value, int) else formula.comparison
    return formula.formula, len(formula.terms), compared or ""


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
    if FORMULAS[kind].is_weighted_sum:
        weights = np.zeros((width, len(formulas)))
        for k, (formula, places) in enumerate(zip(formulas, positions, strict=True)):
            np.add.at(weights[:, k], places, weights_of(formula))
        return graph.sums(x, weights)
    terms = [graph.columns(x, list(places)) for places in zip(*positions, strict=True)]
    return NODES[kind](graph, terms, formulas)


def nodes_of(formula: str) -> Callable[[Nodes], Nodes]:
    """Register the function that adds the nodes of a formula which is no weighted sum."""

    def register(nodes: Nodes) -> Nodes:
        NODES[formula] = nodes
        return nodes

    return register


@nodes_of("product")
def _product_nodes(graph: GraphBuilder, terms: list[str], formulas: list[Derived]) -> str:
    result = terms[0]
    for term in terms[1:]:
        result = graph.op("Mul", result, term)
    return result


@nodes_of("ratio")
def _ratio_nodes(graph: GraphBuilder, terms: list[str], formulas: list[Derived]) -> str:
    quotient, zero = graph.op("Div", *terms), graph.constant([[0.0]])
    if graph.is_positive(terms[1]):
        return quotient
    return graph.op("Where", graph.op("Equal", terms[1], zero), zero, quotient)


@nodes_of("flag")
def _flag_nodes(graph: GraphBuilder, terms: list[str], formulas: list[Derived]) -> str:
    (x,) = terms
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
    """Return what ``flag`` is for each code, the last one standing for all beyond."""
    code = cast(int, flag.value)
    marks: Matrix = COMPARISONS[cast(str, flag.comparison)](np.arange(code + 2), code).astype(float)
    return marks
