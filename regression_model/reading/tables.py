"""Houses as they stand in tables: DataFrames, and CSV, Parquet and newline-delimited JSON files.

A table's cells become the values that JSON would hold, so that one set of rules judges them all.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pydantic_core import from_json

from regression_model.config.spec import Feature, Spec
from regression_model.errors import InvalidInput, MissingDependency
from regression_model.reading.echo import short
from regression_model.reading.issues import Issue, issue
from regression_model.reading.validation import Malformed

Progress = Callable[[int], None]
ReadCell = Callable[[str], Any]
CHUNK_ROWS = 2000
MAX_STRANGE_NAMES = 10_000  # unknown names of a table that are told apart


class CsvHeader(NamedTuple):
    """The names in a CSV file's header; of those that are read: position and reader of cells."""

    names: list[str]
    readers: dict[str, tuple[int, ReadCell]]


def ragged(line: int, cells: int, expected: int) -> Malformed:
    """Return the mark of a line of a CSV file that has too few or too many cells."""
    return Malformed(f"line {line} has {cells} cells, the header has {expected}")


def is_frame(data: Any) -> bool:
    """Return whether ``data`` is a pandas DataFrame, told without importing pandas."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(data).__mro__
    )


def frame_rows(frame: Any, spec: Spec) -> tuple[list[Any], list[Issue]]:
    """Return the rows of a DataFrame as dictionaries, and one warning if it has unknown columns.

    Missing cells (NaN, None, NA, NaT) become null. The frame itself is not touched.
    """
    names = check_names(frame)
    used, caveats = known_columns(names, spec)
    columns = []
    for j, name in enumerate(names):
        if name in used:
            column = frame.iloc[:, j]
            present = column.notna().tolist()
            values = column.astype(object).tolist()
            columns.append([v if ok else None for v, ok in zip(values, present, strict=True)])
    kept = [name for name in names if name in used]
    if not kept:
        return [{} for _ in range(len(frame))], caveats
    return [dict(zip(kept, cells, strict=True)) for cells in zip(*columns, strict=True)], caveats


def check_names(frame: Any) -> list[str]:
    """Return the names of columns; raises InvalidInput for repeated ones or without rows."""
    names = [str(name) for name in frame.columns]
    _refuse_repeated(names)
    if not len(frame):
        raise InvalidInput("the table has no rows; give at least one house")
    return names


def known_columns(names: Sequence[str], spec: Spec) -> tuple[set[str], list[Issue]]:
    """Return the names that the model reads, and a warning for unknown ones."""
    known, target = _names_of_a_house(spec), spec.target.name
    strange = [name for name in names if name not in known and name != target]
    return known & set(names), _not_used(strange)


def _names_of_a_house(spec: Spec) -> set[str]:
    target = spec.target.name
    return {n for f in spec.features if f.name != target for n in (f.name, *f.aliases)}


def _not_used(strange: Collection[str]) -> list[Issue]:
    """Return one warning of unknown columns, however many there are."""
    if not strange:
        return []
    count = f"{len(strange)}{' or more' if len(strange) == MAX_STRANGE_NAMES else ''}"
    listed = ", ".join(map(short, islice(strange, 10))) + (", …" if len(strange) > 10 else "")
    message = f"{count} unknown column(s) are not used: {listed}"
    return [issue(None, None, "unknown_column", message)]


class TableReader:
    """Reads a file of houses in chunks; the format follows the name's extension.

    Every known column is read, the target only with ``keep_target``. ``caveats`` (on unknown
    columns) are complete when the last chunk was read. ``progress`` is called with the number of
    bytes consumed.
    """

    def __init__(self, path: Path, spec: Spec, *, keep_target: bool = False) -> None:
        self.path = path
        self.caveats: list[Issue] = []
        self._spec = spec
        self._known = _names_of_a_house(spec)
        self._strange: dict[str, None] = {}  # in the order met
        self._to_read = {spec.target.name} if keep_target else set[str]()
        self._readers = {
            ".csv": self._csv,
            ".parquet": self._parquet,
            ".ndjson": self._ndjson,
            ".jsonl": self._ndjson,
        }
        if path.suffix.lower() not in self._readers:
            raise InvalidInput(
                f"{path.name}: unknown kind of table; expected {', '.join(self._readers)}"
            )

    def chunks(self, progress: Progress | None = None) -> Iterator[list[Any]]:
        """Yield lists of at most ``CHUNK_ROWS`` rows, in the order of the file."""
        report = progress or (lambda _: None)
        try:
            yield from self._readers[self.path.suffix.lower()](report)
        except OSError as error:
            raise InvalidInput(f"{self.path}: cannot be read: {error.strerror or error}") from error

    def _csv(self, progress: Progress) -> Iterator[list[Any]]:
        with self.path.open("rb") as raw:
            header, line = self.csv_header(raw)
            yield from _chunked(self.csv_rows(raw, header, line), lambda: progress(raw.tell()))

    def csv_header(self, raw: BinaryIO) -> tuple[CsvHeader, int]:
        """Read the header from the lines of ``raw``; also how many lines that took."""
        reader = csv.reader(self._decoded(raw, 0), strict=True)
        try:
            names = next((cells for cells in reader if cells), None)
        except csv.Error as error:
            raise InvalidInput(f"{self.path.name}: not a CSV file: {error}") from error
        if not names:
            raise InvalidInput(f"{self.path.name}: the file is empty; expected a header and rows")
        return CsvHeader(names, self._cell_readers(names)), reader.line_num

    def csv_rows(self, lines: Iterable[bytes], header: CsvHeader, before: int) -> Iterator[Any]:
        """Yield the rows in ``lines``, after ``before`` earlier ones: dictionaries or Malformed."""
        reader = csv.reader(self._decoded(lines, before), strict=True)
        width = len(header.names)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise InvalidInput(
                    f"{self.path.name}, line {before + reader.line_num}: not a CSV file: {error}"
                ) from error
            if not cells:
                continue
            if len(cells) == width:
                yield {name: read(cells[j]) for name, (j, read) in header.readers.items()}
            else:
                yield ragged(before + reader.line_num, len(cells), width)

    def _decoded(self, lines: Iterable[bytes], before: int) -> Iterator[str]:
        for number, line in enumerate(lines, before + 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"{self.path.name}, line {number}: is not UTF-8 text; save the table as UTF-8"
                ) from error

    def warn_of_columns(self, names: Sequence[str]) -> set[str]:
        """Return the columns to read of those in the header; warn of the others in ``caveats``."""
        _refuse_repeated(names)
        used, self.caveats = known_columns(names, self._spec)
        used |= self._to_read
        if used <= {self._spec.target.name}:
            known = ", ".join(f.name for f in self._spec.inputs[:3])
            raise InvalidInput(
                f"{self.path.name}: no column of a house in the header; expected {known}, … "
                "(is it a comma-separated table with a header?)"
            )
        return used

    def add_columns(self, names: Iterable[str]) -> set[str]:
        """Add the names of a row, in a table without a header; warn of unknown names.

        Returns all names to read that were added so far.
        """
        before = len(self._strange)
        for name in names:
            if name in self._known:
                self._to_read.add(name)
            elif name != self._spec.target.name and len(self._strange) < MAX_STRANGE_NAMES:
                self._strange[name] = None
        if len(self._strange) > before:
            self.caveats = _not_used(self._strange)
        return self._to_read

    def _cell_readers(self, header: list[str]) -> dict[str, tuple[int, ReadCell]]:
        used = self.warn_of_columns(header)
        by_name = {n: f for f in self._spec.features for n in (f.name, *f.aliases)}
        markers = frozenset(self._spec.null_markers) | {""}
        return {
            name: (j, _cell_reader(by_name[name], markers))
            for j, name in enumerate(header)
            if name in used
        }

    def _ndjson(self, progress: Progress) -> Iterator[list[Any]]:
        with self.path.open("rb") as raw:
            yield from _chunked(self._ndjson_rows(raw), lambda: progress(raw.tell()))

    def _ndjson_rows(self, raw: BinaryIO) -> Iterator[Any]:
        """Yield rows without what no column reads; what that was is known when the file ends."""
        used = self._to_read
        for number, line in enumerate(raw, 1):
            row = json_row(line, number) if line.strip() else None
            if isinstance(row, dict) and not row.keys() <= used:
                self.add_columns(row)
                row = {name: value for name, value in row.items() if name in used}
            if line.strip():
                yield row

    def _parquet(self, progress: Progress) -> Iterator[list[Any]]:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError:
            raise MissingDependency("pyarrow", extra="batch", purpose="Parquet") from None
        try:
            with parquet.ParquetFile(self.path) as file:
                used = self.warn_of_columns(file.schema_arrow.names)
                wanted = [name for name in file.schema_arrow.names if name in used]
                done, total = 0, max(file.metadata.num_rows, 1)
                size = self.path.stat().st_size
                for batch in file.iter_batches(CHUNK_ROWS, columns=wanted):
                    done += batch.num_rows
                    yield [without_nan(row) for row in batch.to_pylist()]
                    progress(size * done // total)
        except ArrowException as error:
            raise InvalidInput(f"{self.path.name}: not a Parquet file: {error}") from error


def _chunked(rows: Iterable[Any], progress: Callable[[], None]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            progress()
            chunk = []
    if chunk:
        yield chunk
    progress()


def _cell_reader(f: Feature, markers: frozenset[str]) -> ReadCell:
    nulls = markers - {str(level) for level in f.levels}

    def read(text: str) -> Any:
        if text in nulls:
            return None
        if f.type == "text":
            return text
        try:
            return float(text) if "_" not in text else text  # only Python reads 9_000 as a number
        except ValueError:
            return text

    return read


def json_row(line: bytes, number: int) -> Any:
    """Return the value on a line of newline-delimited JSON, or Malformed."""
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError as error:
        return Malformed(f"line {number} is not strict JSON: {error}")


def without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """``row`` with null for NaN, which is what tables mean by it."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = min((name for name, count in Counter(names).items() if count > 1), default=None)
    if repeated is not None:
        raise InvalidInput(f"column {short(repeated)!r} appears twice in the table; rename one")
