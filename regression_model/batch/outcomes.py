"""Outcomes as text and as Arrow's columns, to the byte as Python's own writers have them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic_core import to_json

from regression_model.batch.valuing import Valued

Tail = Callable[[str | None, str | None], str]

_MOST_CENTS = 2.0**53
_CENTS = pa.array([repr(cents / 100)[1:] for cents in range(100)])  # .0, .01, … .1, .11, …


def csv_lines(valued: Valued) -> memoryview:
    """A line for each row: identifier, price, limits, errors, warnings."""
    tails = _tails(valued, ",\n", _csv_tail)
    cells = [_text(column) for column in _columns(valued)]
    return _bytes(pc.binary_join_element_wise(*cells, tails, ",", null_handling="replace"))


def ndjson_lines(valued: Valued, names: Sequence[str]) -> memoryview:
    """A JSON object for each row under ``names``, the last two those of errors and warnings."""
    keys = [f"{json.dumps(name, ensure_ascii=False)}:" for name in names]
    nothing = f",{keys[4]}null,{keys[5]}null}}\n"
    tails = _tails(
        valued,
        nothing,
        lambda errors, warnings: (
            f",{keys[4]}{to_json(errors).decode()},{keys[5]}{to_json(warnings).decode()}}}\n"
        ),
    )
    parts: list[pa.Array | str] = []
    for opening, key, column in zip("{,,,", keys, _columns(valued), strict=False):
        parts += [pa.scalar(opening + key), pc.fill_null(_text(column), "null")]
    return _bytes(pc.binary_join_element_wise(*parts, tails, ""))


def record_batch(valued: Valued, schema: pa.Schema) -> pa.RecordBatch:
    """A row for each row, in the columns of ``schema``."""
    errors, warnings = valued.errors.texts(), valued.warnings.texts()
    places = range(len(valued.price))
    columns = [
        *_columns(valued),
        pa.array([errors.get(i) for i in places], pa.string()),
        pa.array([warnings.get(i) for i in places], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _columns(valued: Valued) -> list[pa.Array]:
    """Identifiers, prices and limits; null where there is none."""
    return [
        pa.array(np.nan_to_num(valued.ids).astype(np.int64), mask=np.isnan(valued.ids)),
        *(pa.array(v, from_pandas=True) for v in (valued.price, valued.low, valued.high)),
    ]


def _text(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string()) if pa.types.is_integer(column.type) else _money(column)


def _money(dollars: pa.Array) -> pa.Array:
    """Dollars, which are rounded to cents, as Python writes them; null stays null."""
    values = dollars.fill_null(0.0).to_numpy()
    if not (np.abs(values) < _MOST_CENTS / 100).all() or np.signbit(values).any():
        return pa.array([None if v is None else repr(v) for v in dollars.to_pylist()], pa.string())
    cents: NDArray[np.int64] = np.rint(values * 100).astype(np.int64)
    whole, rest = np.divmod(cents, 100)
    text = pc.binary_join_element_wise(
        pc.cast(pa.array(whole), pa.string()), _CENTS.take(pa.array(rest)), ""
    )
    return pc.if_else(dollars.is_valid(), text, None) if dollars.null_count else text


def _tails(valued: Valued, nothing: str, tail: Tail) -> pa.Array | pa.Scalar:
    if not valued.errors and not valued.warnings:
        return pa.scalar(nothing)
    errors, warnings = valued.errors.texts(), valued.warnings.texts()
    tails = [nothing] * len(valued.price)
    for i in {*errors, *warnings}:
        tails[i or 0] = tail(errors.get(i), warnings.get(i))
    return pa.array(tails, pa.string())


def _csv_tail(errors: str | None, warnings: str | None) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([errors, warnings])
    return stream.getvalue()


def _bytes(lines: pa.Array) -> memoryview:
    """The texts of ``lines``, which lie one behind the other in memory."""
    if not len(lines):
        return memoryview(b"")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[
        lines.offset : lines.offset + len(lines) + 1
    ]
    return memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]]
