"""A table of houses in, a table of prices out, column by column and on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from regression_model.batch.pipeline import available_cores, in_order
from regression_model.batch.sources import Part, parts
from regression_model.batch.valuing import TableValuer, Valued
from regression_model.batch.writers import format_of
from regression_model.predict import Model
from regression_model.tables import TableReader


class Done(NamedTuple):
    """A part that was valued: what to write, how many rows that was, where the part ends."""

    content: Any
    rows: int
    priced: int
    warned: int
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
    valuer = TableValuer(model)
    output = format_of(suffix, names)

    def work(part: Part) -> Done:
        valued = valuer.value(part.chunk())
        return _done(output.content(valued), valued, part.end)

    with output.opened(target) as write:
        source = parts(reader, model.spec)
        for done in in_order(work, source, workers=workers or available_cores()):
            write(done.content)
            report(done)


def _done(content: Any, valued: Valued, end: int) -> Done:
    priced = int((valued.price == valued.price).sum())  # NaN is not
    warned = len({found["row"] for found in valued.warnings})
    return Done(content, len(valued.price), priced, warned, end)
