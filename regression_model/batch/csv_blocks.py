"""CSV files cut into blocks of whole records, without reading the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.reading.tables import CsvHeader, TableReader

BLOCK = 4 * 2**20
_QUOTE, _COMMA, _NEWLINE, _RETURN = (ord(c) for c in '",\n\r')


class Block(NamedTuple):
    """Whole records, ``before`` of the file's lines stand above; ``end`` is in bytes."""

    data: bytes
    before: int
    end: int


class Rows(NamedTuple):
    """Records that only the reader of rows could tell apart."""

    rows: list[Any]
    end: int


def blocks(reader: TableReader, raw: BinaryIO, header: CsvHeader, line: int) -> Iterator[Any]:
    """What follows the header, as :class:`Block` or, where quotes are irregular, :class:`Rows`."""
    start, rest = raw.tell(), b""
    while True:
        more = raw.read(BLOCK)
        data = rest + more
        if not data:
            return
        cut = len(data) if not more and regular(data) else last_boundary(data) if more else 0
        if cut:
            yield Block(data[:cut], line, start + cut)
            line += data.count(b"\n", 0, cut)
            start, rest = start + cut, data[cut:]
        else:
            raw.seek(start)
            lines = _Lines(raw)
            yield Rows(list(_some_rows(reader, lines, header, line)), raw.tell())
            line += lines.count
            start, rest = raw.tell(), b""


class _Lines:
    """The lines of a file, counted."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._raw:
            self.count += 1
            yield line


def _some_rows(reader: TableReader, lines: _Lines, header: CsvHeader, before: int) -> Iterator[Any]:
    """Yield a bounded number of rows; the file is then read up to the last of them."""
    for number, row in enumerate(reader.csv_rows(lines, header, before), 1):
        yield row
        if number == _ROWS:
            return


_ROWS = 2000


def last_boundary(data: bytes) -> int:
    """Where the last record that ends in ``data`` ends; 0 where that cannot be told.

    ``data`` begins with a record. Without quotes a record ends with its line. Quotes are regular
    where each opens a cell, closes one or is doubled within; then a newline ends a record where
    the quotes before it are even in number.
    """
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    ends = record_ends(text, quotes)
    if not len(ends):
        return 0
    cut = int(ends[-1]) + 1
    return cut if _regular(text, quotes[quotes < cut]) else 0


def regular(data: bytes) -> bool:
    """Whether quotes in ``data``, whole records, stand where every reader expects them."""
    if b'"' not in data:
        return True
    text = np.frombuffer(data, np.uint8)
    return _regular(text, np.flatnonzero(text == _QUOTE))


def record_ends(text: NDArray[np.uint8], quotes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The newlines that end a record, where quotes are regular."""
    newlines = np.flatnonzero(text == _NEWLINE)
    ends: NDArray[np.intp] = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return ends


def _regular(text: NDArray[np.uint8], quotes: NDArray[np.intp]) -> bool:
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    doubled = np.zeros(len(opening), bool)
    doubled[1:] = opening[1:] == closing[:-1] + 1
    before = text[opening - 1]
    opens = doubled | (opening == 0) | (before == _COMMA) | (before == _NEWLINE)
    after = text[np.minimum(closing + 1, len(text) - 1)]
    last = closing + 1 == len(text)
    closes = last | (after == _COMMA) | (after == _NEWLINE) | (after == _RETURN)
    closes[:-1] |= doubled[1:]
    return bool(opens.all() and closes.all())
