"""Outcomes as text and as Arrow's columns, to the byte as Python's own writers have them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic_core import to_json

from regression_model.answer import IDENTIFIER, NUMBERS, TEXTS
from regression_model.batch.valuing import Valued

Tail = Callable[..., str]

_LARGEST_EXACT = 2.0**53
_KINDS = {int: pa.int64(), float: pa.float64(), str: pa.string()}


def table_schema(names: Sequence[str]) -> pa.Schema:
    """The columns of a table of answers, under these names."""
    kinds = (_KINDS[column.kind] for column in (IDENTIFIER, *NUMBERS, *TEXTS))
    return pa.schema(list(zip(names, kinds, strict=True)))


def csv_lines(valued: Valued) -> memoryview:
    """A line for each row: identifier, numbers, errors, warnings."""
    tails = _tails(valued, "," * (len(TEXTS) - 1) + "\n", _csv_tail)
    return value_bytes(
        pc.binary_join_element_wise(*_cells(valued), tails, ",", null_handling="replace")
    )


def ndjson_lines(valued: Valued, names: Sequence[str]) -> memoryview:
    """A JSON object for each row under ``names``, the last of which are those of texts."""
    keys = [f"{json.dumps(name, ensure_ascii=False)}:" for name in names]
    of_texts = keys[-len(TEXTS) :]

    def tail(*texts: str | None) -> str:
        said = zip(of_texts, texts, strict=True)
        return "".join(f",{key}{to_json(text).decode()}" for key, text in said) + "}\n"

    tails = _tails(valued, tail(*[None] * len(TEXTS)), tail)
    parts: list[pa.Array | str] = []
    for j, (key, cells) in enumerate(zip(keys, _cells(valued), strict=False)):
        parts += [pa.scalar(("," if j else "{") + key), pc.fill_null(cells, "null")]
    return value_bytes(pc.binary_join_element_wise(*parts, tails, ""))


def record_batch(valued: Valued, schema: pa.Schema) -> pa.RecordBatch:
    """A row for each row, in the columns of ``schema``."""
    places = range(len(valued.ids))
    texts = [pa.array([said.get(i) for i in places], pa.string()) for said in _texts(valued)]
    return pa.RecordBatch.from_arrays([*_numbers(valued), *texts], schema=schema)


def _numbers(valued: Valued) -> list[pa.Array]:
    """Identifiers and the other numbers; null where there is none."""
    columns = [(IDENTIFIER, valued.ids), *((c, valued.numbers[c.name]) for c in NUMBERS)]
    return [
        pa.array(np.nan_to_num(values).astype(np.int64), mask=np.isnan(values))
        if column.kind is int
        else pa.array(values, from_pandas=True)
        for column, values in columns
    ]


def _cells(valued: Valued) -> list[pa.Array]:
    """Identifiers and the other numbers as text."""
    return [
        pc.cast(cells, pa.string()) if column.digits is None else _decimal(cells, column.digits)
        for column, cells in zip((IDENTIFIER, *NUMBERS), _numbers(valued), strict=True)
    ]


def _texts(valued: Valued) -> list[dict[int | None, str]]:
    """What each column of texts says of a row."""
    return [getattr(valued, column.name).texts() for column in TEXTS]


def _decimal(numbers: pa.Array, digits: int) -> pa.Array:
    """Numbers that are rounded to ``digits``, as Python writes them; null stays null."""
    scale = 10**digits
    values = numbers.fill_null(0.0).to_numpy()
    if not (np.abs(values) < _LARGEST_EXACT / scale).all() or np.signbit(values).any():
        return pa.array([None if v is None else repr(v) for v in numbers.to_pylist()], pa.string())
    scaled: NDArray[np.int64] = np.rint(values * scale).astype(np.int64)
    whole, rest = np.divmod(scaled, scale)
    text = pc.binary_join_element_wise(
        pc.cast(pa.array(whole), pa.string()), _fractions(digits).take(pa.array(rest)), ""
    )
    return pc.if_else(numbers.is_valid(), text, None) if numbers.null_count else text


@cache
def _fractions(digits: int) -> pa.Array:
    """How the fractions of numbers are written: .0, .01, … .1, .11, … for two digits."""
    scale = 10**digits
    return pa.array([repr(part / scale)[1:] for part in range(scale)])


def _tails(valued: Valued, nothing: str, tail: Tail) -> pa.Array | pa.Scalar:
    if not valued.errors and not valued.warnings:
        return pa.scalar(nothing)
    texts = _texts(valued)
    tails = [nothing] * len(valued.ids)
    for i in set().union(*texts):
        tails[i or 0] = tail(*(said.get(i) for said in texts))
    return pa.array(tails, pa.string())


def _csv_tail(*texts: str | None) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(texts)
    return stream.getvalue()


def value_bytes(lines: pa.Array) -> memoryview:
    """The texts of ``lines``, which lie one behind the other in memory."""
    if not len(lines):
        return memoryview(b"")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[
        lines.offset : lines.offset + len(lines) + 1
    ]
    return memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]]
