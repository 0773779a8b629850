"""Blocks of a CSV file as chunks: Arrow reads what it reads as the reader of rows does."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from regression_model.batch.arrow import column_of, is_text, rows_of
from regression_model.batch.chunk import Chunk, chunk_of_rows
from regression_model.batch.columns import Column, Levels, is_plain_number
from regression_model.batch.csv_blocks import Block, Rows, record_ends
from regression_model.config.spec import Spec
from regression_model.reading.tables import CsvHeader, TableReader, ragged
from regression_model.reading.validation import Malformed

_TEXT = pa.dictionary(pa.int32(), pa.string())
_LONGEST_CELL = 2**17  # csv.field_size_limit() of Python, in characters
_STRIDE = _LONGEST_CELL // 2
_CULPRIT = re.compile(r"In CSV column #(\d+)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CsvChunks:
    """Makes chunks of blocks; thread-safe.

    Columns of numbers are read as numbers until one holds a cell that is none; from then on the
    column is read as text, whose cells the reader of rows turns into values.
    """

    def __init__(self, reader: TableReader, header: CsvHeader, spec: Spec) -> None:
        self._reader = reader
        self._header = header
        features = {name: f for f in spec.features for name in (f.name, *f.aliases)}
        self._numbers = {n for n in header.readers if is_plain_number(features[n])}
        self._nulls = ["", *spec.null_markers]

    def chunk(self, block: Block | Rows) -> Chunk:
        if isinstance(block, Rows):
            return chunk_of_rows(block.rows)
        if _is_plain(block.data):
            ragged_rows: list[tuple[int, int]] = []
            table = self._read(block.data, ragged_rows)
            if table is not None:
                return self._chunk(block, table, ragged_rows)
        rows = self._reader.csv_rows(io.BytesIO(block.data), self._header, block.before)
        return chunk_of_rows(list(rows))

    def _read(self, data: bytes, ragged_rows: list[tuple[int, int]]) -> dict[str, pa.Array] | None:
        """The columns, or None where Arrow refuses the block; ``ragged_rows`` are left out."""
        while True:
            numbers = set(self._numbers)
            try:
                columns = self._parsed(data, numbers, ragged_rows)
            except pa.ArrowException as error:
                culprit = _CULPRIT.search(str(error))
                name = self._header.names[int(culprit[1])] if culprit else None
                if name not in numbers:
                    return None
                self._numbers.discard(name)
                continue
            odd = [n for n in numbers & columns.keys() if _has_nan(columns[n])]
            if not odd:
                return columns
            self._numbers.difference_update(odd)

    def _parsed(
        self, data: bytes, numbers: set[str], ragged_rows: list[tuple[int, int]]
    ) -> dict[str, pa.Array]:
        ragged_rows.clear()

        def skip(row: Any) -> str:
            ragged_rows.append((row.number - 1, row.actual_columns))
            return "skip"

        names = list(self._header.readers)
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=self._header.names
            ),
            csv.ParseOptions(newlines_in_values=b'"' in data, invalid_row_handler=skip),
            csv.ConvertOptions(
                check_utf8=False,
                column_types={n: pa.float64() if n in numbers else _TEXT for n in names},
                include_columns=names,
                null_values=self._nulls,
                strings_can_be_null=False,
            ),
        )
        return {name: table.column(name).combine_chunks() for name in names}

    def _chunk(
        self, block: Block, arrays: dict[str, pa.Array], ragged_rows: list[tuple[int, int]]
    ) -> Chunk:
        readers = self._header.readers
        columns = {name: self._column(name, array) for name, array in arrays.items()}

        def rows(chosen: NDArray[np.intp]) -> list[Any]:
            return [
                {n: readers[n][1](v) if isinstance(v, str) else v for n, v in row.items()}
                for row in rows_of(arrays, chosen)
            ]

        height = len(next(iter(arrays.values())))
        return Chunk(height, columns, rows, self._malformed(block, ragged_rows))

    def _column(self, name: str, array: pa.Array) -> Column:
        column = column_of(array)
        if isinstance(column, Levels):
            read = self._header.readers[name][1]
            return Levels(column.index, [read(text) for text in column.values])
        return column

    def _malformed(self, block: Block, ragged_rows: list[tuple[int, int]]) -> dict[int, Malformed]:
        if not ragged_rows:
            return {}
        lines, width = _lines_of_records(block.data), len(self._header.names)
        return {
            row: ragged(block.before + int(lines[row]), cells, width) for row, cells in ragged_rows
        }


def _is_plain(data: bytes) -> bool:
    """Whether Arrow and Python's reader agree on these bytes, but for refusing rows or cells."""
    if b"\0" in data or data.startswith(_BYTE_ORDER_MARK):
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    return is_text(data) and not _may_hold_a_huge_cell(data)


def _may_hold_a_huge_cell(data: bytes) -> bool:
    if b'"' in data:
        quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == ord('"'))
        if int(np.diff(quotes).max(initial=0)) >= _STRIDE:
            return True
    starts = range(0, len(data) - _STRIDE, _STRIDE)
    return any(
        data.find(b",", i, i + _STRIDE) < 0 > data.find(b"\n", i, i + _STRIDE) for i in starts
    )


def _lines_of_records(data: bytes) -> Any:
    """The number of the line on which each record ends, from 1; blank lines are no records."""
    text = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", np.uint8)
    ends = record_ends(text, np.flatnonzero(text == ord('"')))
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    blank = (lengths == 0) | ((lengths == 1) & (text[starts] == ord("\r")))
    newlines = np.flatnonzero(text == ord("\n"))
    return np.searchsorted(newlines, ends[~blank]) + 1


def _has_nan(array: pa.Array) -> bool:
    values = array.to_numpy(zero_copy_only=False)
    return int(np.count_nonzero(np.isnan(values))) > int(array.null_count)
