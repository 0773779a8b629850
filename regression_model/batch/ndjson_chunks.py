"""Lines of JSON as chunks: Arrow reads what it reads as the reader of rows does.

Arrow is laxer than strict JSON, guesses types and does not tell null from absent. A block goes to
it only where none of that can matter; any other is read line by line.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import json

from regression_model.batch.arrow import column_of, is_text
from regression_model.batch.chunk import Chunk, chunk_of_rows
from regression_model.config.spec import Spec
from regression_model.reading.tables import json_row

BLOCK = 8 * 2**20
_NOT_ALIKE = (b"\\", b"NaN", b"Inf")  # read otherwise by Arrow, or able to hide what is counted


class Lines(NamedTuple):
    """Whole lines of a file; ``before`` stand above, ``end`` is in bytes."""

    data: bytes
    before: int
    end: int


def blocks(raw: BinaryIO) -> Iterator[Lines]:
    """A file in blocks of whole lines."""
    end, before, rest = 0, 0, b""
    while more := raw.read(BLOCK):
        data = rest + more
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut:
            end += cut
            yield Lines(data[:cut], before, end)
            before += data.count(b"\n", 0, cut)
    if rest:
        yield Lines(rest, before, end + len(rest))


class NdjsonChunks:
    """Makes chunks of blocks; thread-safe."""

    def __init__(self, spec: Spec) -> None:
        kinds = {"text": pa.string(), "integer": pa.float64(), "number": pa.float64()}
        self._kinds = {n: kinds[f.type] for f in spec.features for n in (f.name, *f.aliases)}
        target = spec.target
        self._read = self._kinds.keys() - {target.name, *target.aliases}

    def chunk(self, block: Lines) -> Chunk:
        """The rows of the block; ``names`` are all that are met in them."""
        table = self._table(block)
        if table is None:
            rows = list(_rows(block))
            met = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
            return chunk_of_rows([self._known(row) for row in rows], met)
        names = table.schema.names
        columns = {n: column_of(table[n].combine_chunks()) for n in names if n in self._read}

        def some(chosen: NDArray[np.intp]) -> list[Any]:
            lines = block.data.split(b"\n")
            return [self._known(json_row(lines[i], block.before + i + 1)) for i in chosen.tolist()]

        return Chunk(table.num_rows, columns, some, names=tuple(names))

    def _known(self, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {name: value for name, value in row.items() if name in self._read}

    def _table(self, block: Lines) -> pa.Table | None:
        """The block as Arrow has it; None where that may differ from strict JSON, line by line.

        Each line must be one flat object with the keys of the first: then null and absent are
        told apart by counting nulls.
        """
        data = block.data
        schema = self._schema(block) if _one_object_a_line(data) else None
        if schema is None:
            return None
        try:
            table = json.read_json(
                pa.BufferReader(data),
                json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
            )
        except pa.ArrowException:
            return None
        nulls = sum(column.null_count for column in table.columns)
        return table if nulls == data.count(b'":null') + data.count(b'": null') else None

    def _schema(self, block: Lines) -> pa.Schema | None:
        first = json_row(block.data.partition(b"\n")[0], block.before + 1)
        if not isinstance(first, dict) or not first:
            return None
        kinds = {str: pa.string(), int: pa.float64(), float: pa.float64(), bool: pa.bool_()}
        fields = [(n, self._kinds.get(n) or kinds.get(type(v))) for n, v in first.items()]
        return pa.schema(fields) if all(kind is not None for _, kind in fields) else None


def _rows(block: Lines) -> Iterator[Any]:
    for number, line in enumerate(io.BytesIO(block.data), block.before + 1):
        if line.strip():
            yield json_row(line, number)


def _one_object_a_line(data: bytes) -> bool:
    if any(mark in data for mark in _NOT_ALIKE) or not is_text(data):
        return False
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    return data[:1] == b"{" and data.count(b"\n{") + 1 == data.count(b"{") == lines
