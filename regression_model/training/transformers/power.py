"""Skewed numbers made symmetric: logarithm and Yeo-Johnson power."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import PowerTransformer

from regression_model.training.compiler.graph import GraphBuilder, convert
from regression_model.training.transformers.matrix import Columns, Matrix, MatrixTransformer


class LogTransformer(MatrixTransformer):
    """Replace each value by log(1 + value); a negative value counts as 0.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.
    """

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)

    def _apply(self, matrix: Matrix) -> Matrix:
        result = matrix.copy()
        result[:, self.positions_] = np.log(1.0 + np.maximum(matrix[:, self.positions_], 0.0))
        return result


class YeoJohnsonTransformer(MatrixTransformer):
    """Replace each column by its Yeo-Johnson power, fitted by maximum likelihood.

    Source: I. Yeo, R. Johnson, "A new family of power transformations to improve normality or
    symmetry", Biometrika 87(4), 2000. The fit is scikit-learn's.

    Parameters
    ----------
    columns : sequence of str or of int, optional
        Names or positions of columns. Default: all columns.
    """

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns

    def _learn(self, matrix: Matrix, y: Matrix | None) -> None:
        self.positions_ = self._positions(self.columns)
        fitted = PowerTransformer(standardize=False).fit(matrix[:, self.positions_])
        self.lambdas_ = np.asarray(fitted.lambdas_)

    def _apply(self, matrix: Matrix) -> Matrix:
        result = matrix.copy()
        values = matrix[:, self.positions_]
        size = 1.0 + np.abs(values)
        positive = _power(size, self.lambdas_)
        negative = -_power(size, 2.0 - self.lambdas_)
        result[:, self.positions_] = np.where(values >= 0, positive, negative)
        return result


def _power(size: Matrix, exponent: Matrix) -> Matrix:
    """(size ** exponent - 1) / exponent, by its limit log(size) where the exponent is 0."""
    divisor = np.where(exponent == 0, 1.0, exponent)
    return np.where(exponent == 0, np.log(size), (size**divisor - 1.0) / divisor)


@convert.register
def _(step: LogTransformer, graph: GraphBuilder, x: str) -> str:
    values = graph.op("Max", graph.columns(x, step.positions_), graph.constant([[0.0]]))
    logs = graph.op("Log", graph.op("Add", values, graph.constant([[1.0]])))
    return graph.replace(x, step.positions_, logs)


@convert.register
def _(step: YeoJohnsonTransformer, graph: GraphBuilder, x: str) -> str:
    values = graph.columns(x, step.positions_)
    size = graph.op("Add", graph.op("Abs", values), graph.constant([[1.0]]))
    positive = _power_nodes(graph, size, step.lambdas_)
    negative = graph.op("Neg", _power_nodes(graph, size, 2.0 - step.lambdas_))
    is_positive = graph.op("GreaterOrEqual", values, graph.constant([[0.0]]))
    chosen = graph.op("Where", is_positive, positive, negative)
    return graph.replace(x, step.positions_, chosen)


def _power_nodes(graph: GraphBuilder, size: str, exponent: Any) -> str:
    zero = exponent == 0
    divisor = graph.constant(np.where(zero, 1.0, exponent)[None, :])
    powered = graph.op("Sub", graph.op("Pow", size, divisor), graph.constant([[1.0]]))
    result = graph.op("Div", powered, divisor)
    if not zero.any():
        return result
    return graph.op("Where", graph.constant(zero[None, :], bool), graph.op("Log", size), result)
