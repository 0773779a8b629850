"""A table of houses in, a table of prices out, row for row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from regression_model.answer import TEXTS, Prediction, columns_of, table_names
from regression_model.errors import InvalidInput, MissingDependency
from regression_model.file_conflicts import refuse_conflicts
from regression_model.files.atomic_file import replacing
from regression_model.model import Model
from regression_model.reading.issues import OF_TABLE, Issue
from regression_model.reading.rows import Reading
from regression_model.reading.tables import TableReader

Row = Mapping[str, Any]
Watch = Callable[[int, int], None]
Write = Callable[[Sequence[Row]], None]


@dataclass
class Tally:
    """Count rows that were read, priced and warned of, and hold warnings on the whole table."""

    rows: int = 0
    priced: int = 0
    warned: int = 0
    caveats: list[Issue] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {"rows": self.rows, "priced": self.priced, "warned": self.warned}


def score_table(
    model: Model,
    source: Path,
    target: Path,
    *,
    progress: Watch | None = None,
    workers: int | None = None,
) -> Tally:
    """Value the houses of a table and write another table, which appears whole or not at all.

    With pyarrow, the table is processed column by column; without, row by row, with the same
    outcome.

    Parameters
    ----------
    model : Model
        A loaded model.
    source : pathlib.Path
        Table of houses: .csv, .parquet or .ndjson.
    target : pathlib.Path
        Table to write, of the same kinds; columns are described in docs/api.md.
    progress : callable, optional
        Is called with the bytes read and the rows valued.
    workers : int, optional
        Number of threads. Default: all cores that this process may use.

    Returns
    -------
    Tally
        Counts of rows, prices, errors and warnings.

    Raises
    ------
    InvalidInput
        If ``source`` is no table of houses, or ``target`` is the source, a file of the model or of
        an unknown kind.
    """
    inputs = {"source": source, "model": model.artifact.folder}
    refuse_conflicts({"target": target}, inputs)
    suffix = target.suffix.lower()
    if suffix not in _WRITERS:
        raise InvalidInput(f"{target.name}: unknown kind of table; expected {', '.join(_WRITERS)}")
    reader = TableReader(source, model.spec)
    tally = Tally()
    watch = progress or (lambda *_: None)
    with replacing(target) as temporary:
        try:
            import pyarrow  # noqa: F401  # without it there is still the way row by row
        except ImportError:
            score_rows(model, reader, temporary, tally, suffix=suffix, progress=watch)
        else:
            _score_columns(model, reader, temporary, tally, suffix, watch, workers)
    tally.caveats = reader.caveats
    return tally


def score_rows(
    model: Model, reader: TableReader, target: Path, tally: Tally, *, suffix: str, progress: Watch
) -> None:
    """Value row by row what ``reader`` reads, in this thread, and write ``target``."""
    chunks = reader.chunks(lambda done: progress(done, tally.rows))
    names = table_names(_identifier(model))
    with _WRITERS[suffix](target, names) as write:
        for rows in chunks:
            read = model.reader.read(rows, limits=OF_TABLE)
            result = model.value(read)
            write(list(_rows(result, read, names)))
            _count(tally, result)


def _score_columns(
    model: Model,
    reader: TableReader,
    target: Path,
    tally: Tally,
    suffix: str,
    progress: Watch,
    workers: int | None,
) -> None:
    from regression_model.batch.table import Done, value_table

    def report(done: Done) -> None:
        tally.rows += done.rows
        tally.priced += done.priced
        tally.warned += done.warned
        progress(done.end, tally.rows)

    names = table_names(_identifier(model))
    value_table(model, reader, target, names=names, suffix=suffix, report=report, workers=workers)


def _identifier(model: Model) -> str:
    return "Id" if model.spec.identifier is None else model.spec.identifier.name


def _rows(result: Prediction, read: Reading, names: Sequence[str]) -> Iterator[Row]:
    said = [getattr(read, column.name).texts() for column in TEXTS]
    texts = ([text.get(i) for i in range(read.rows)] for text in said)
    for cells in zip(read.ids, *columns_of(result).values(), *texts, strict=True):
        yield dict(zip(names, cells, strict=True))


def _count(tally: Tally, result: Prediction) -> None:
    tally.rows += len(result["predictions"])
    tally.priced += sum(price is not None for price in result["predictions"])
    tally.warned += len({w["row"] for w in result["warnings"]})


@contextmanager
def _csv(path: Path, names: Sequence[str]) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, names, lineterminator="\n")
        table.writeheader()
        yield table.writerows


@contextmanager
def _ndjson(path: Path, names: Sequence[str]) -> Iterator[Write]:
    with path.open("wb") as stream:
        yield lambda rows: stream.writelines(to_json(row) + b"\n" for row in rows)


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[Write]:
    try:
        import pyarrow as pa
        from pyarrow import parquet

        from regression_model.batch.outcomes import table_schema
    except ImportError:
        raise MissingDependency("pyarrow", extra="batch", purpose="Parquet") from None
    schema = table_schema(names)
    with path.open("wb") as stream, parquet.ParquetWriter(stream, schema) as table:
        yield lambda rows: table.write_table(pa.Table.from_pylist(list(rows), schema))


_WRITERS = {".csv": _csv, ".parquet": _parquet, ".ndjson": _ndjson, ".jsonl": _ndjson}
