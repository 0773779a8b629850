"""Tables read in parts: what must be done in order, apart from what any thread may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from regression_model.batch import csv_blocks, ndjson_chunks
from regression_model.batch.arrow import column_of, rows_of
from regression_model.batch.chunk import Chunk
from regression_model.batch.csv_chunks import CsvChunks
from regression_model.batch.ndjson_chunks import NdjsonChunks
from regression_model.config.spec import Spec
from regression_model.errors import InvalidInput
from regression_model.reading.tables import TableReader

PARQUET_ROWS = 16_384


class Part(NamedTuple):
    """A part of a table: ``chunk()`` reads it, in any thread; ``end`` is in bytes of the file."""

    chunk: Callable[[], Chunk]
    end: int


def parts(reader: TableReader, spec: Spec) -> Iterator[Part]:
    """The parts of the table in order; InvalidInput where it is none."""
    try:
        yield from _KINDS[reader.path.suffix.lower()](reader, spec)
    except OSError as error:
        raise InvalidInput(f"{reader.path}: cannot be read: {error.strerror or error}") from error


def _csv(reader: TableReader, spec: Spec) -> Iterator[Part]:
    with reader.path.open("rb") as raw:
        header, line = reader.csv_header(raw)
        chunks = CsvChunks(reader, header, spec)
        for block in csv_blocks.blocks(reader, raw, header, line):
            yield Part(partial(chunks.chunk, block), block.end)


def _parquet(reader: TableReader, spec: Spec) -> Iterator[Part]:
    try:
        with parquet.ParquetFile(reader.path) as file:
            schema = file.schema_arrow
            used = reader.warn_of_columns(schema.names)
        wanted = [name for name in schema.names if name in used]
        texts = [name for name in wanted if pa.types.is_string(schema.field(name).type)]
        with parquet.ParquetFile(reader.path, read_dictionary=texts) as file:
            done, total = 0, max(file.metadata.num_rows, 1)
            size = reader.path.stat().st_size
            for batch in file.iter_batches(PARQUET_ROWS, columns=wanted):
                done += batch.num_rows
                yield Part(partial(_chunk_of_batch, batch), size * done // total)
    except pa.ArrowException as error:
        raise InvalidInput(f"{reader.path.name}: not a Parquet file: {error}") from error


def _chunk_of_batch(batch: pa.RecordBatch) -> Chunk:
    arrays = dict(zip(batch.schema.names, batch.columns, strict=True))

    columns = {name: column_of(array) for name, array in arrays.items()}
    return Chunk(batch.num_rows, columns, partial(rows_of, arrays))


def _ndjson(reader: TableReader, spec: Spec) -> Iterator[Part]:
    chunks = NdjsonChunks(spec)
    with reader.path.open("rb") as raw:
        for block in ndjson_chunks.blocks(raw):
            yield Part(partial(chunks.chunk, block), block.end)


_KINDS = {".csv": _csv, ".parquet": _parquet, ".ndjson": _ndjson, ".jsonl": _ndjson}
