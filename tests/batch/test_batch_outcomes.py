"""Outcomes are written as Python's own writers write them, byte for byte."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from regression_model.answer import NUMBERS, table_names
from regression_model.batch.outcomes import csv_lines, ndjson_lines
from regression_model.batch.valuing import Valued, rounded
from regression_model.reading.issues import Issues, issue

NAMES = table_names("Nümber")
KNOWN = [5, None]


def valued(ids: list[Any], prices: list[Any], said: dict[int, str]) -> Valued:
    price = np.array([math.nan if p is None else p for p in prices])
    ids_ = np.array([math.nan if i is None else float(i) for i in ids])
    errors, warnings = Issues(), Issues()
    errors.extend(issue(row, None, "code", text) for row, text in said.items())
    warnings.extend(issue(row, None, "code", text) for row, text in said.items() for _ in range(2))
    numbers = {column.name: price for column in NUMBERS if column.kind is float}
    numbers["known"] = np.array(places(KNOWN, len(prices)), float)
    return Valued(ids_, numbers, errors, warnings)


def places(values: list[Any], count: int) -> list[Any]:
    return [values[i % len(values)] for i in range(count)]


CASES: list[Any] = [
    ([], [], {}),
    ([1, 2, None], [1.0, 123456.1, 0.07], {}),
    ([None] * 3, [None, 99999.99, 10.5], {0: "why", 2: 'a, "b"\nc'}),
    ([2**53, 0], [1e15 + 0.5, None], {1: "Grün \u2028"}),
    ([5], [1e16], {}),
    ([5, 6], [math.inf, 1e300], {}),
    ([5], [-0.5], {}),
]


def rows(case: Any) -> list[dict[str, Any]]:
    ids, prices, said = case
    text = {row: f"{t}; {t}" for row, t in said.items()}
    return [
        dict(zip(NAMES, [ids[i], p, p, p, p, known, said.get(i), text.get(i)], strict=True))
        for i, (p, known) in enumerate(zip(prices, places(KNOWN, len(prices)), strict=True))
    ]


@pytest.mark.parametrize("case", CASES)
def test_csv(case: Any) -> None:
    stream = io.StringIO()
    csv.DictWriter(stream, NAMES, lineterminator="\n").writerows(rows(case))

    assert bytes(csv_lines(valued(*case))).decode() == stream.getvalue()


@pytest.mark.parametrize("case", [c for c in CASES if math.inf not in c[1]])
def test_ndjson(case: Any) -> None:
    expected = b"".join(to_json(row) + b"\n" for row in rows(case) if row["prediction"] != 1e300)

    if 1e300 not in case[1]:
        assert bytes(ndjson_lines(valued(*case), NAMES)) == expected


@given(st.lists(st.floats(0, 1e9) | st.integers(0, 10**9).map(lambda n: n / 200 + 0.0), min_size=1))
def test_prices_are_rounded_and_written_as_python_does(prices: list[float]) -> None:
    cents = rounded(np.array(prices), 2)

    assert cents.tolist() == [round(price, 2) for price in prices]
    lines = bytes(csv_lines(valued([None] * len(prices), cents.tolist(), {}))).decode()
    assert [line.split(",")[1] for line in lines.splitlines()] == list(map(repr, cents.tolist()))


@pytest.mark.parametrize("digits", [2, 4])
def test_the_middle_between_two_results_goes_where_python_takes_it(digits: int) -> None:
    middles = np.arange(1, 40_001, 2) / (2 * 10**digits)
    values = np.concatenate([middles, np.nextafter(middles, 0), np.nextafter(middles, 1e9)])

    assert rounded(values, digits).tolist() == [round(v, digits) for v in values.tolist()]


def test_the_lines_of_a_slice_are_those_of_the_slice() -> None:
    from regression_model.batch.outcomes import value_bytes

    assert bytes(value_bytes(pa.array(["ab", "c", "", "def"])[1:])) == b"cdef"
