"""A part of a table: its columns, and its rows for the rules for rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.batch.columns import Column


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a table.

    ``columns`` hold ``height`` rows, and ``rows`` gives some of them as the reader of rows would.
    Rows that are in no column stand ``apart``, by their place in the chunk. ``names`` are those met
    in rows that come without a header.
    """

    height: int
    columns: Mapping[str, Column]
    rows: Callable[[NDArray[np.intp]], list[Any]]
    apart: Mapping[int, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.height + len(self.apart)

    def places(self) -> NDArray[np.intp]:
        """Where the rows of ``columns`` stand in the chunk."""
        return np.delete(np.arange(self.count), list(self.apart))


def chunk_of_rows(rows: Sequence[Any], names: Iterable[str] = ()) -> Chunk:
    """Rows that are not to be had as columns."""
    return Chunk(0, {}, lambda _: [], dict(enumerate(rows)), tuple(names))
