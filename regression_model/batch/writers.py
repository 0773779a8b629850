"""Tables of outcomes: made into bytes by any thread, written by the one that keeps the order."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from regression_model.batch.outcomes import csv_lines, ndjson_lines, record_batch, table_schema
from regression_model.batch.valuing import Valued

Write = Callable[[Any], Any]


class Format(NamedTuple):
    """``content`` makes outcomes into what the function that ``opened`` gives can write."""

    content: Callable[[Valued], Any]
    opened: Callable[[Path], AbstractContextManager[Write]]


def format_of(suffix: str, names: Sequence[str]) -> Format:
    """The format of files called ``*.suffix``, with columns of these names."""
    if suffix == ".parquet":
        schema = table_schema(names)
        return Format(partial(record_batch, schema=schema), partial(_parquet, schema))
    if suffix == ".csv":
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerow(names)
        return Format(csv_lines, partial(_lines, stream.getvalue().encode()))
    return Format(partial(ndjson_lines, names=names), partial(_lines, b""))


@contextmanager
def _lines(head: bytes, path: Path) -> Iterator[Write]:
    with path.open("wb") as stream:
        stream.write(head)
        yield stream.write


@contextmanager
def _parquet(schema: pa.Schema, path: Path) -> Iterator[Write]:
    # By a stream of ours: pyarrow's own asks where it is, which a pipe cannot tell.
    with path.open("wb") as stream, parquet.ParquetWriter(stream, schema) as table:
        yield table.write_batch
