"""A small builder of ONNX graphs, and the registry of converters.

Why not a general converter: the ones that exist emit single-precision trees and sums where a
price needs double, or fail on blends in double. Every step here is a matrix operation, so a
converter is a handful of nodes; each is beside the estimator that it mirrors.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from regression_model.training.compiler.columns import Column, Columns, Vector
from regression_model.training.compiler.views import Views


class GraphBuilder(Views):
    """Collects nodes and constants; values are named by the builder and passed as strings.

    Matrices are double, shape ``(n, columns)``, unless an operation says otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self._flags: set[str] = set()
        self._positive: set[Column] = set()

    def source(self, name: str, columns: int) -> str:
        """The graph's input ``name``, of so many columns."""
        self._nodes.widths[name] = columns
        return name

    def finish(self, *, source: str, columns: int, results: dict[str, str]) -> bytes:
        """The serialised model: float input ``source``, shape (n, columns); double results."""
        computed = {name: self._compute(value) for name, value in results.items()}
        return self._nodes.model(source=source, columns=columns, results=computed)

    def unknown(self, x: str) -> str:
        """1 where ``x`` is NaN, 0 elsewhere."""
        columns = self._compute_all(self._columns_of(x))
        flags = {t: self.cast(self.op("IsNaN", t), TensorProto.DOUBLE) for t, *_ in columns}
        self._flags.update(flags.values())
        return self._view(Column(flags[c.tensor], c.place) for c in columns)

    def may_be_unknown(self, x: str) -> NDArray[np.intp]:
        """Positions of the columns of ``x`` that are no flags of :meth:`unknown`."""
        return np.flatnonzero([c.tensor not in self._flags for c in self._columns_of(x)])

    def clip(self, x: str, low: Vector, high: Vector) -> str:
        """Hold column j of ``x`` between ``low[j]`` and ``high[j]``; infinite ones hold nothing.

        The columns beside it in its tensor go along: that is cheaper than to leave them out.
        """
        columns = self._distinct(self._compute_all(self._columns_of(x)))
        clipped = {
            t: self._clip_tensor(t, columns, low, high)
            for t in dict.fromkeys(c.tensor for c in columns)
        }
        held = tuple(c._replace(tensor=clipped[c.tensor]) for c in columns)
        self._positive.update(c for c, lowest in zip(held, low, strict=True) if lowest > 0)
        return self._view(held)

    def is_positive(self, x: str) -> bool:
        """Whether :meth:`clip` holds every column of ``x`` above 0."""
        return self._positive.issuperset(self._columns_of(x))

    def _distinct(self, columns: Columns) -> Columns:
        if len(set(columns)) == len(columns):
            return columns
        return self._columns_of(self._compute(self._view(columns)))

    def _clip_tensor(self, tensor: str, columns: Columns, low: Vector, high: Vector) -> str:
        limits = np.full((2, 1, self._nodes.widths[tensor]), [[[-np.inf]], [[np.inf]]])
        for column, lowest, highest in zip(columns, low, high, strict=True):
            if column.tensor == tensor:
                limits[:, 0, column.place] = lowest, highest
        if np.isfinite(limits).all() and (limits == limits[..., :1]).all():
            return self.op("Clip", tensor, *map(self.constant, limits[:, 0, 0]))
        for kind, bounds in zip(("Max", "Min"), limits, strict=True):
            if np.isfinite(bounds).any():
                tensor = self.op(kind, tensor, self.constant(bounds))
        return tensor


@singledispatch
def convert(estimator: Any, graph: GraphBuilder, x: str) -> str:
    """Add the fitted ``estimator`` to ``graph``, reading the matrix ``x``; return its output."""
    raise TypeError(
        f"there is no ONNX converter for {type(estimator).__name__}; register one with "
        "regression_model.training.compiler.graph.convert beside the estimator"
    )
