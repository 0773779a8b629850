"""ARFF tables, as OpenML keeps them, as CSV with the same values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from regression_model.errors import FetchFailed

NULL = "NA"  # what Kaggle's file has where ARFF has an unquoted question mark

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{'\"]+)", re.IGNORECASE)
_CELL = re.compile(rf"\s*({_QUOTED}|[^,'\"]*?)\s*(,|$)")


def csv_of(arff: str) -> str:
    """The table in ``arff`` as CSV; numbers and levels are left as they are written.

    Raises :class:`FetchFailed` with the line that is not dense ARFF.
    """
    lines = enumerate(arff.splitlines(), 1)
    names = list(_names(lines))
    if not names:
        raise FetchFailed("the ARFF table declares no attribute")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for number, line in lines:
        if line.strip() and not line.startswith("%"):
            cells = list(_cells(line, number))
            if len(cells) != len(names):
                raise FetchFailed(
                    f"line {number} of the ARFF table has {len(cells)} cells, its header "
                    f"{len(names)} attributes"
                )
            writer.writerow(cells)
    return text.getvalue()


def _names(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for number, line in lines:
        if line.lower().startswith("@data"):
            return
        if line.lower().startswith("@attribute"):
            match = _ATTRIBUTE.match(line)
            if match is None:
                raise FetchFailed(f"line {number} of the ARFF table names no attribute: {line!r}")
            yield _bare(match[1])
    raise FetchFailed("the ARFF table has no @data")


def _cells(line: str, number: int) -> Iterator[str]:
    position, end = 0, ","
    while end:
        match = _CELL.match(line, position)
        if match is None:
            raise FetchFailed(f"line {number} of the ARFF table: a quote is not closed")
        yield NULL if match[1] == "?" else _bare(match[1])
        position, end = match.end(), match[2]


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
