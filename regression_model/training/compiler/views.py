"""Matrices of a graph that are not computed until a node reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from regression_model.training.compiler.columns import Column, Columns, Matrix, Sums, Vector, longer
from regression_model.training.compiler.nodes import Nodes

_SPARE_WEIGHTS = 2000  # more multiplications by zero than these take longer than a node


class Views:
    """Nodes that read matrices, and matrices that become nodes when they are read.

    Valuing one house costs by the node, not by the number, so work is put off until its reader is
    known: a name may stand for a view, a tuple of :class:`Column`. Selecting, joining, scaling and
    looking up in tables only change a view. A node that needs the matrix has it computed; trees
    read columns where they are; sums take tables and scaling into their weights, and those of the
    same tensors are computed together.
    """

    def __init__(self) -> None:
        self._nodes = Nodes()
        self._views: dict[str, Columns] = {}
        self._joined: dict[str, Columns] = {}
        self._computed: dict[Column, Column] = {}
        self._codes: dict[str, dict[int, int]] = {}  # by tensor: its places with codes, how many
        self._pending: dict[str, Sums] = {}
        self._negatives: dict[Column, Column] = {}
        self._summed: dict[str, tuple[str, int]] = {}  # where sums that were pending begin

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The name of the single output of a node of ``kind``; equal nodes are made once.

        ``width`` among the attributes is the number of columns, where the kind does not tell.
        """
        return self._nodes.add(kind, [self._compute(x) for x in inputs], **attributes)

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """The name of a constant tensor; equal constants are stored once."""
        return self._nodes.constant(values, dtype)

    def cast(self, x: str, kind: int) -> str:
        return self.op("Cast", x, to=kind)

    # What only changes a view

    def columns(self, x: str, positions: Iterable[int] | NDArray[np.intp]) -> str:
        """Select columns of ``x``, in the given order."""
        columns = self._columns_of(x)
        return self._view(columns[j] for j in positions)

    def append(self, *blocks: str) -> str:
        """Set matrices side by side."""
        return self._view(column for block in blocks for column in self._columns_of(block))

    def replace(self, x: str, positions: NDArray[np.intp], block: str) -> str:
        """``x`` with the columns at ``positions`` replaced by those of ``block``."""
        columns = list(self._columns_of(x))
        for position, column in zip(positions, self._columns_of(block), strict=True):
            columns[position] = column
        return self._view(columns)

    def lookup(self, codes: str, tables: Sequence[Vector]) -> str:
        """Replace the code in column j of ``codes`` by ``tables[j][code]``.

        A code beyond the table gets its last entry.
        """
        pairs = zip(self._resolve(self._columns_of(codes)), tables, strict=True)
        return self._view(self._looked_up(column, table) for column, table in pairs)

    def _looked_up(self, column: Column, table: Vector) -> Column:
        if column.arithmetic:
            (column,) = self._compute_all((column,))
        if column.table:
            table = table[np.clip(column.table, 0, len(table) - 1).astype(np.intp)]
        else:
            lengths = self._codes.setdefault(column.tensor, {})
            lengths[column.place] = max(len(table), lengths.get(column.place, 0))
        return column._replace(table=tuple(table.tolist()))

    def indicators(self, x: str, values: Vector) -> str:
        """1 where column j of ``x`` equals ``values[j]``, 0 elsewhere."""
        columns = self._columns_of(x)
        if any(c.arithmetic or not c.table for c in columns):
            equal = self.op("Equal", x, self.constant(values[None, :]))
            return self.cast(equal, TensorProto.DOUBLE)
        return self._view(
            c._replace(table=tuple(float(entry == value) for entry in c.table))
            for c, value in zip(columns, values, strict=True)
        )

    def arithmetic(self, kind: str, x: str, constants: Vector) -> str:
        """Add, Sub, Mul or Div: column j of ``x`` and ``constants[j]``."""
        pairs = zip(self._columns_of(x), constants.tolist(), strict=True)
        return self._view(
            c._replace(arithmetic=(*c.arithmetic, (kind, constant))) for c, constant in pairs
        )

    # What reads columns where they are

    def sums(self, x: str, weights: Matrix, offsets: Vector | float = 0.0) -> str:
        """``x @ weights + offsets``, with weights of shape (columns, sums).

        The tensors of ``x`` may hold no NaN: one would reach every sum of its row.
        """
        used = np.flatnonzero(weights.any(axis=1)) if weights.any() else np.arange(1)
        columns = self._resolve(tuple(self._columns_of(x)[j] for j in used))
        name, count = f"sums{len(self._summed) + len(self._pending)}", weights.shape[1]
        self._pending[name] = Sums.of(columns, weights[used], np.full(count, offsets))
        return self._view(Column(name, k) for k in range(count))

    def read(self, x: str, *, alone: bool = False) -> tuple[str, list[int]]:
        """A matrix that holds the columns of ``x`` among others, and their places in it.

        ``alone`` keeps tensors out that none of the columns comes from.
        """
        columns = self._compute_all(self._columns_of(x))
        whole = self._join(list(dict.fromkeys(c.tensor for c in columns)), alone=alone)
        if whole not in self._joined:
            return whole, [c.place for c in columns]
        places = {column: place for place, column in enumerate(self._joined[whole])}
        return whole, [places[column] for column in columns]

    def read_signed(self, x: str) -> tuple[str, list[int], list[int]]:
        """A matrix that holds the columns of ``x``, their places, and those of their negatives.

        Where some negatives were computed before, no others are: their place is -1.
        """
        columns = self._compute_all(self._columns_of(x))
        if not self._negatives.keys() & set(columns):
            whole, _ = self.read(x)
            negative = self._nodes.add("Neg", [whole])
            held = self._joined.get(whole, self._columns_of(whole))
            self._negatives.update((c, Column(negative, k)) for k, c in enumerate(held))
        turned = [j for j, c in enumerate(columns) if c in self._negatives]
        negatives = self._view(self._negatives[columns[j]] for j in turned)
        matrix, places = self.read(self.append(x, negatives))
        opposites = np.full(len(columns), -1)
        opposites[turned] = places[len(columns) :]
        return matrix, places[: len(columns)], opposites.tolist()

    # Computing views

    def _columns_of(self, x: str) -> Columns:
        for known in (self._views, self._joined):
            if x in known:
                return known[x]
        if x not in self._nodes.widths:
            raise ValueError(f"the width of {x} is not known; pass width to the op that made it")
        return tuple(Column(x, j) for j in range(self._nodes.widths[x]))

    def _view(self, columns: Iterable[Column]) -> str:
        name = f"view{len(self._views)}"
        self._views[name] = tuple(columns)
        return name

    def _compute(self, x: str) -> str:
        """Return the matrix that ``x`` names: itself, or nodes that join and select its columns."""
        if x not in self._views:
            return x
        whole, places = self.read(x)
        if places == list(range(self._nodes.widths[whole])):
            return whole
        chosen = self.constant(places, np.int64)
        return self._nodes.add("Gather", [whole, chosen], axis=1, width=len(places))

    def _join(self, tensors: list[str], *, alone: bool) -> str:
        """The tensors side by side, on from the joined matrix that holds most of them."""
        if len(tensors) == 1:
            return tensors[0]
        candidates = {name: {c.tensor for c in cs} for name, cs in self._joined.items()}
        held = {
            name: have for name, have in candidates.items() if not alone or have <= set(tensors)
        }
        best = max(held, key=lambda name: len(held[name] & set(tensors)), default="")
        missing = [t for t in tensors if t not in held.get(best, ())]
        if not missing:
            return best
        parts = missing if len(missing) == len(tensors) else [best, *missing]
        columns = tuple(column for part in parts for column in self._columns_of(part))
        whole = self._nodes.add("Concat", parts, axis=1, width=len(columns))
        self._joined[whole] = columns
        return whole

    def _compute_all(self, columns: Columns) -> Columns:
        """The same columns, with nothing left to be done."""
        columns = self._resolve(columns)
        self._compute_tables([c._replace(arithmetic=()) for c in columns if c.table])
        self._compute_arithmetic([c for c in columns if c.arithmetic])
        return tuple(self._computed.get(c, c) for c in columns)

    def _resolve(self, columns: Columns) -> Columns:
        """The same columns, of tensors that are computed."""
        for name in dict.fromkeys(c.tensor for c in columns):
            if name in self._pending:
                self._compute_sums(self._pending[name].tensors())
        found = ((c, *self._summed.get(c.tensor, (c.tensor, 0))) for c in columns)
        return tuple(c._replace(tensor=t, place=first + c.place) for c, t, first in found)

    def _compute_sums(self, tensors: set[str]) -> None:
        """All pending sums that read any of these tensors, as one matrix."""
        chosen = {n: sums for n, sums in self._pending.items() if sums.tensors() & tensors}
        total = self._sum(Sums.together(chosen.values()))
        first = 0
        for name, sums in chosen.items():
            self._summed[name] = (total, first)
            first += len(sums.offsets)
            del self._pending[name]

    def _sum(self, sums: Sums) -> str:
        parts, offsets = [], sums.offsets
        for tensor in dict.fromkeys(c.tensor for c in sums.columns if c.table):
            parts.append(self._sum_of_tables(sums, tensor, offsets))
            offsets = np.zeros_like(offsets)
        plain = sums.plain()
        if plain:
            columns = self._narrow(tuple(sums.columns[j] for j in plain), len(offsets))
            whole, places = self.read(self._view(columns), alone=True)
            weights = np.zeros((self._nodes.widths[whole], len(offsets)))
            np.add.at(weights, places, sums.weights[plain])
            start = [self.constant(offsets[None, :])] if offsets.any() else parts[:1]
            kind = "Gemm" if start else "MatMul"
            parts[:1] = [self.op(kind, whole, self.constant(weights), *start)]
        return parts[0] if len(parts) == 1 else self.op("Sum", *parts)

    def _narrow(self, columns: Columns, sums: int) -> Columns:
        """The same columns; the few of a wide tensor are selected, to spare weights of zero."""
        found = dict(zip(columns, columns, strict=True))
        for tensor in dict.fromkeys(c.tensor for c in columns):
            mine = [c for c in found if c.tensor == tensor]
            if (self._nodes.widths[tensor] - len(mine)) * sums > _SPARE_WEIGHTS:
                places = self.constant([c.place for c in mine], np.int64)
                selected = self.op("Gather", tensor, places, axis=1, width=len(mine))
                found.update((c, Column(selected, k)) for k, c in enumerate(mine))
        return tuple(found[c] for c in columns)

    def _sum_of_tables(self, sums: Sums, tensor: str, offsets: Vector) -> str:
        """What the codes in ``tensor`` add to each sum: a row of a table for each code."""
        codes, lengths = self._known_codes(tensor)
        tables = [sums.table(Column(tensor, place), length) for place, length in lengths.items()]
        tables[0] += offsets
        starts = np.cumsum([0, *lengths.values()])[None, :-1]
        index = self.op("Add", codes, self.constant(starts, np.int64))
        rows = self.op("Gather", self.constant(np.vstack(tables)), index, axis=0)
        second = self.constant([1], np.int64)
        return self.op("ReduceSum", rows, second, keepdims=0, width=len(offsets))

    def _known_codes(self, tensor: str) -> tuple[str, dict[int, int]]:
        """Integer codes of all columns of ``tensor`` that hold any, and their number by place.

        All of them, so that what is looked up at another place finds them ready.
        """
        lengths = self._codes[tensor]
        codes = self._view(Column(tensor, place) for place in lengths)
        last = self.constant([[length - 1.0 for length in lengths.values()]])
        return self.cast(self.op("Min", codes, last), TensorProto.INT64), dict(lengths)

    def _compute_tables(self, columns: Iterable[Column]) -> None:
        wanted = [c for c in dict.fromkeys(columns) if c not in self._computed]
        for tensor in dict.fromkeys(c.tensor for c in wanted):
            chosen = [c for c in wanted if c.tensor == tensor]
            codes, lengths = self._known_codes(tensor)
            places = [list(lengths).index(c.place) for c in chosen]
            codes = self._compute(self.columns(codes, places))
            tables = [longer(c.table, max(lengths.values())) for c in chosen]
            entries = self.constant(np.column_stack(tables))
            width = len(chosen)
            self._remember(chosen, self.op("GatherElements", entries, codes, axis=0, width=width))

    def _compute_arithmetic(self, columns: Iterable[Column]) -> None:
        wanted = [c for c in dict.fromkeys(columns) if c not in self._computed]
        for kinds, group in groupby(sorted(wanted, key=Column.kinds), key=Column.kinds):
            chosen = list(group)
            x = self._view(self._compute_all(tuple(c._replace(arithmetic=()) for c in chosen)))
            for step, kind in enumerate(kinds):
                constants = [[c.arithmetic[step][1] for c in chosen]]
                x = self.op(kind, x, self.constant(constants))
            self._remember(chosen, x)

    def _remember(self, columns: Iterable[Column], tensor: str) -> None:
        for place, column in enumerate(columns):
            self._computed[column] = Column(tensor, place)
