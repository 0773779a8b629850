"""A table of houses in, a table of prices out, column by column and on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regression_model.artifact import GRAPH
from regression_model.batch.pipeline import available_cores, in_order
from regression_model.batch.sources import Part, parts
from regression_model.batch.valuing import Score, TableValuer
from regression_model.batch.writers import format_of
from regression_model.reading.tables import TableReader

if TYPE_CHECKING:
    from regression_model.model import Model

PRICE = "prediction"  # the column that a row has if it is priced


class Done(NamedTuple):
    """A part that was valued: what to write, how many rows that was, where the part ends."""

    content: Any
    rows: int
    priced: int
    warned: int
    names: tuple[str, ...]
    end: int


def value_table(
    model: Model,
    reader: TableReader,
    target: Path,
    *,
    names: Sequence[str],
    suffix: str,
    report: Callable[[Done], None],
    workers: int | None = None,
) -> None:
    """Value what ``reader`` reads and write ``target``, a file of the kind ``suffix``.

    ``names`` are those of the columns written. ``report`` is called after each part.
    """
    valuer = TableValuer(model, batch_score(model))
    output = format_of(suffix, names)

    def work(part: Part) -> Done:
        chunk = part.chunk()
        valued = valuer.value(chunk)
        return Done(
            output.content(valued),
            rows=chunk.count,
            priced=int(np.count_nonzero(~np.isnan(valued.numbers[PRICE]))),
            warned=len({found["row"] for found in valued.warnings}),
            names=chunk.names,
            end=part.end,
        )

    with output.opened(target) as write:
        source = parts(reader, model.spec)
        for done in in_order(work, source, workers=workers or available_cores()):
            write(done.content)
            reader.add_columns(done.names)
            report(done)


def batch_score(model: Model) -> Score:
    """What ``model.scorer.score`` does, for tables: by the staged graph, where there is one.

    Without ``onnx``, and for a graph with nodes that cannot be staged, it is the very same.
    """
    try:
        from regression_model.batch.staged import StagedGraph
        from regression_model.batch.transpose import CannotTranspose
    except ImportError:
        return model.scorer.score
    try:
        graph = StagedGraph(model.artifact.read(GRAPH))
    except CannotTranspose:
        return model.scorer.score
    return lambda matrix: model.scorer.valuation(*graph.run(matrix))
