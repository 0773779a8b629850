"""Tables valued by columns and by rows have the same outcome, whatever is in them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from regression_model import Model, RegressionModelError
from regression_model.answer import NUMBERS, columns_of
from regression_model.batch import csv_blocks, ndjson_chunks, sources
from regression_model.batch.frames import predict_frame
from regression_model.batch.valuing import TableValuer
from regression_model.reading.tables import TableReader, frame_rows

NAMES = [
    "Id", "Neighborhood", "OverallQual", "YearBuilt", "GrLivArea", "MSSubClass", "Alley",
    "MasVnrType", "YrSold", "1stFlrSF", "LotFrontage", "GarageYrBlt",
]  # fmt: skip
CLEAN = ["7", "NAmes", "5", "1960", "1000", "60", "Grvl", "None", "2008", "900", "70", "1961"]
ODD = [
    "", "NA", "NaN", "nan", "None", "null", "inf", "-inf", "Infinity", "1e3", "1e400", " 12", "12 ",
    "+5", "0x10", "1_000", "3.0", "3.5", "-1", "0", "9" * 30, "9007199254740993", "٣", "\x0c5",
    "nan(3)", "1e-400", "true", "Nowhere", "Grvl ", "grvl", "2FmCon", "C", "150", "20.0", "2207",
    "1871", "99999", "Grün \u2028", " ", "NA ", "'", "1,5", "a\nb", 'say "hi"', "100000", "2010",
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    """Files in many parts, so that what lies between two parts is met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "BLOCK", 400)
        patch.setattr(ndjson_chunks, "BLOCK", 700)
        patch.setattr(sources, "PARQUET_ROWS", 3)
        yield


@pytest.fixture(scope="module")
def valuer(model: Model) -> TableValuer:
    return TableValuer(model)


def by_rows(model: Model, path: Path) -> Any:
    reader = TableReader(path, model.spec)
    try:
        rows = [row for chunk in reader.chunks() for row in chunk]
        result = model.predict_rows(rows)
    except RegressionModelError as error:
        return type(error), str(error)
    ids = result.get("ids", [None] * len(rows))
    return len(rows), ids, columns_of(result), result["errors"], result["warnings"], reader.caveats


def by_columns(model: Model, valuer: TableValuer, path: Path) -> Any:
    reader = TableReader(path, model.spec)
    ids: list[Any] = []
    numbers: dict[str, list[Any]] = {column.name: [] for column in NUMBERS}
    errors, warnings = [], []
    try:
        for part in sources.parts(reader, model.spec):
            chunk = part.chunk()
            valued = valuer.value(chunk)
            reader.add_columns(chunk.names)
            for found in (*valued.errors, *valued.warnings):
                found["row"] = (found["row"] or 0) + len(ids)
            errors += valued.errors
            warnings += valued.warnings
            ids += [None if math.isnan(i) else int(i) for i in valued.ids]
            for name, values in valued.numbers.items():
                numbers[name] += [None if math.isnan(value) else value for value in values]
    except RegressionModelError as error:
        return type(error), str(error)
    return len(ids), ids, numbers, errors, warnings, reader.caveats


def assert_equal(model: Model, valuer: TableValuer, path: Path) -> Any:
    rows, columns = by_rows(model, path), by_columns(model, valuer, path)
    assert columns == rows
    return rows


# CSV


def quoted(cell: str, always: bool) -> str:
    if always or any(c in cell for c in ',"\n\r'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


cells = st.sampled_from(ODD) | st.text(max_size=6) | st.floats().map(repr) | st.integers().map(str)


@st.composite
def csv_tables(draw: st.DrawFn) -> bytes:
    names = draw(st.permutations(NAMES))[: draw(st.integers(5, len(NAMES)))]
    names += draw(st.sampled_from([[], [], ["Colour"], ["FirstFlrSF"], ["SalePrice"]]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    always = draw(st.booleans())
    lines = [",".join(quoted(name, always) for name in names)]
    for _ in range(draw(st.integers(0, 12))):
        row = [CLEAN[NAMES.index(n)] if n in NAMES else "red" for n in names]
        for _ in range(draw(st.integers(0, 2))):
            row[draw(st.integers(0, len(row) - 1))] = draw(cells)
        line = ",".join(quoted(cell, always) for cell in row)
        kind = draw(st.integers(0, 30))
        if kind == 0:
            line = draw(
                st.sampled_from(["", " ", '""', "1", "a,b", line + ",", line + ",1,2", '5" pipe'])
            )
        elif kind == 1:
            lines.append("")
        lines.append(line)
    text = end.join(lines) + draw(st.sampled_from([end, end, "", end * 2]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode("utf-8", "replace")


@settings(max_examples=60)
@given(content=csv_tables())
def test_any_csv_file(model: Model, valuer: TableValuer, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "houses.csv")
        path.write_bytes(content)
        assert_equal(model, valuer, path)


@pytest.mark.parametrize("cell", ODD)
@pytest.mark.parametrize("name", ["Id", "GrLivArea", "MSSubClass", "Alley", "OverallQual"])
def test_any_cell_of_a_csv_file(
    model: Model, valuer: TableValuer, tmp_path: Path, name: str, cell: str
) -> None:
    path = tmp_path / "houses.csv"
    odd = [cell if n == name else c for n, c in zip(NAMES, CLEAN, strict=True)]
    lines = [",".join(quoted(c, False) for c in row) for row in (NAMES, CLEAN, odd, CLEAN, CLEAN)]
    path.write_text("\n".join(lines), "utf-8")

    count, _, numbers, *_ = assert_equal(model, valuer, path)

    assert count == 4
    assert [numbers["prediction"][i] is not None for i in (0, 2, 3)] == [True] * 3


HEADER, LINE = ",".join(NAMES), ",".join(CLEAN)
LONG = HEADER + "\n" + f"{LINE}\n" * 20


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LONG + "1,2\n" + f"{LINE}\n\n{LINE},9\n" * 3, id="ragged lines"),
        pytest.param(LONG + f'"1",{LINE[2:]}\n"a\n\nb",{LINE[2:]}\n1,2\n' * 3, id="newlines in quotes"),
        pytest.param(LONG + f'5" pipe,{LINE[2:]}\n' + LONG[len(HEADER):], id="quote in a cell"),
        pytest.param(LONG + f'"7"x,{LINE[2:]}\n', id="text behind a quote"),
        pytest.param(LONG + f'"7,{LINE[2:]}\n' + f"{LINE}\n" * 20, id="quote never closed"),
        pytest.param(LONG + f"7\r,{LINE[2:]}\n", id="return in a line"),
        pytest.param(LONG + f'"7\r",{LINE[2:]}\n', id="return in quotes"),
        pytest.param(LONG.replace("\n", "\r"), id="returns alone"),
        pytest.param(LONG + f"{LINE}\0\n", id="NUL"),
        pytest.param(LONG + f"\ufeff{LINE}\n" * 20, id="byte order marks within"),
        pytest.param(LONG + "7,N\udce9,5,1960,1000,60\n", id="not UTF-8"),
        pytest.param(LONG + f"{'x' * 131_073},{LINE[2:]}\n", id="a huge cell"),
        pytest.param(LONG + f"{'x' * 131_072},{LINE[2:]}\n", id="a cell almost too huge"),
        pytest.param(LONG + f'"{"x," * 70_000}",{LINE[2:]}\n', id="a huge cell of commas"),
        pytest.param(LONG + "\n\r\n\n" * 300 + LINE, id="many blank lines"),
        pytest.param("OverallQual\n5\n\n\"\"\n6\n", id="one column"),
        pytest.param("\n\n" + LONG, id="blank lines above the header"),
        pytest.param('"Id\n",' + HEADER + "\n1," + LINE, id="a newline in the header"),
        pytest.param("", id="empty"),
        pytest.param(HEADER, id="header alone"),
        pytest.param(f"{HEADER},Id\n", id="repeated column"),
    ],
)  # fmt: skip
def test_csv_files_that_readers_disagree_about(
    model: Model, valuer: TableValuer, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "houses.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))

    assert_equal(model, valuer, path)


# NDJSON


json_values = (
    st.sampled_from(
        [None, True, 5, 5.0, -1, 2207, 10**20, "", "NA", "Grvl", "5", [], {}, [1], 1e300]
    )
    | st.text(max_size=4)
    | st.integers()
)


@st.composite
def ndjson_tables(draw: st.DrawFn) -> str:
    whole = dict(
        zip(NAMES, [7, "NAmes", 5, 1960, 1000, 60, "Grvl", None, 2008, 900, 70, None], strict=True)
    )
    lines = []
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    for _ in range(draw(st.integers(0, 12))):
        row: dict[str, Any] = dict(whole)
        kind = draw(st.integers(0, 12))
        if kind == 0:
            row[draw(st.sampled_from([*NAMES, "Colour"]))] = draw(json_values)
        if kind == 1:
            del row[draw(st.sampled_from(NAMES))]
        line = json.dumps(row, separators=separators, ensure_ascii=draw(st.booleans()))
        if kind == 2:
            line = draw(
                st.sampled_from(
                    [
                        "",
                        " ",
                        "null",
                        "[1]",
                        "{",
                        line + line,
                        line + " ",
                        '{"Id":1,"Id":2}',
                        line[:-1] + ',"LotArea":NaN}',
                        "{}",
                    ]
                )
            )
        lines.append(line)
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


@settings(max_examples=60)
@given(content=ndjson_tables())
def test_any_ndjson_file(model: Model, valuer: TableValuer, content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "houses.ndjson")
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        assert_equal(model, valuer, path)


PLAIN = json.dumps(dict(zip(NAMES[1:5], ["NAmes", 5, 1960, 1000], strict=True)))


@pytest.mark.parametrize(
    "line",
    [
        PLAIN[:-1] + ', "Alley": null}',
        PLAIN[:-1] + ', "Colour": NaN}',
        PLAIN[:-1] + ', "Colour": "\\": null"}',
        PLAIN[:-1] + ', "Colour": {"Alley": null}}',
        PLAIN[:-1] + ', "GrLivArea": 5}',
        PLAIN[:-1] + ', "LotArea": 1e400}',
        PLAIN[:-1] + ', "SalePrice": "much"}',
        PLAIN + PLAIN,
        PLAIN.replace(", ", ",\n", 1),
        PLAIN.replace(": ", ":"),
        PLAIN.replace("NAmes", "N\x00"),
        PLAIN.replace("5", "-0"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_lines_that_readers_disagree_about(
    model: Model, valuer: TableValuer, tmp_path: Path, line: str, first: bool
) -> None:
    path = tmp_path / "houses.ndjson"
    path.write_text("\n".join([line, PLAIN, PLAIN] if first else [PLAIN, PLAIN, line]), "utf-8")

    assert_equal(model, valuer, path)


def test_null_and_absent_are_told_apart_by_columns(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "houses.ndjson"
    f = next(f for f in model.spec.inputs if f.null_means in f.levels)
    codes = []
    for line in (PLAIN, f'{PLAIN[:-1]}, "{f.name}": null}}'):
        path.write_text("\n".join([line] * 3), "utf-8")
        chunk = next(iter(sources.parts(TableReader(path, model.spec), model.spec))).chunk()
        matrix, doubtful, *_ = model.column_encoder.encode(chunk.columns, chunk.height)
        assert not chunk.apart
        assert not doubtful.any()
        codes.append(matrix[:, model.spec.inputs.index(f)].tolist())

    assert np.isnan(codes[0]).all()
    assert set(codes[1]) == {f.levels.index(f.null_means)}


# Parquet and DataFrames


COLUMNS: list[Any] = [
    [5, 6, 99, None, 5],
    [5.0, 5.5, math.nan, None, math.inf],
    ["5", "Grvl", None, "NA", ""],
    [True, False, None, True, True],
    [decimal.Decimal("5"), decimal.Decimal("5.5"), None, None, decimal.Decimal("6")],
    [datetime.datetime(2008, 1, 1), None, None, None, None],
    [[5], None, [], [1, 2], [5]],
    [{"a": 1}, None, None, None, {"a": 2}],
    [None] * 5,
    [b"5", b"\xff", None, b"", b"Grvl"],
    [2**62, -(2**62), 0, 1, None],
]


@pytest.mark.parametrize("name", ["Id", "OverallQual", "MSSubClass", "Alley", "LotFrontage"])
@pytest.mark.parametrize("values", COLUMNS, ids=lambda v: type(v[0]).__name__)
def test_any_column_of_a_parquet_file(
    model: Model, valuer: TableValuer, tmp_path: Path, name: str, values: list[Any]
) -> None:
    path = tmp_path / "houses.parquet"
    table = {n: [c] * 5 for n, c in zip(NAMES[1:4], ["NAmes", 5, 1960], strict=True)}
    columns = {k: pa.array(v) for k, v in (table | {"GrLivArea": [1000] * 5, name: values}).items()}
    parquet.write_table(pa.table(columns), path)

    assert_equal(model, valuer, path)


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint16(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(9, 2)],
    ids=str,
)
@pytest.mark.parametrize("name", ["Id", "OverallQual", "MSSubClass"])
def test_any_kind_of_number_in_a_parquet_file(
    model: Model, valuer: TableValuer, tmp_path: Path, name: str, kind: pa.DataType
) -> None:
    path = tmp_path / "houses.parquet"
    values = [20, 5, None, 7, 60]
    if pa.types.is_floating(kind):
        values[2] = np.float16(5.5) if kind == pa.float16() else 5.5
    if kind == pa.float16():
        values = [None if v is None else np.float16(v) for v in values]
    elif pa.types.is_decimal(kind):
        values = [None if v is None else decimal.Decimal(v) for v in values]
    table: dict[str, Any] = dict(
        zip(NAMES[1:5], [["NAmes"] * 5, [5] * 5, [1960] * 5, [1000] * 5], strict=True)
    )
    parquet.write_table(pa.table(table | {name: pa.array(values, kind)}), path)

    assert_equal(model, valuer, path)


@pytest.mark.parametrize("index", [pa.int8(), pa.int32()])
def test_a_dictionary_in_a_parquet_file(
    model: Model, valuer: TableValuer, tmp_path: Path, index: pa.DataType
) -> None:
    path = tmp_path / "houses.parquet"
    values = pa.array(["Grvl", None, "NA", "nowhere", "Grvl"]).dictionary_encode()
    table: dict[str, Any] = dict(
        zip(NAMES[1:5], [["NAmes"] * 5, [5] * 5, [1960] * 5, [1000] * 5], strict=True)
    )
    kind = pa.dictionary(index, pa.string())
    parquet.write_table(pa.table(table | {"Alley": values.cast(kind)}), path)

    _, _, _, _, warnings, _ = assert_equal(model, valuer, path)

    assert [w["row"] for w in warnings] == [3]


@pytest.mark.parametrize("kind", [object, "category", "str", "Int64", "float32", "boolean", None])
@pytest.mark.parametrize(
    "name", ["Id", "OverallQual", "MSSubClass", "Alley", "LotFrontage", "1stFlrSF"]
)
@pytest.mark.parametrize(
    "values",
    [[5, 6, 99], [5, None, 6], [5.5, math.nan, 5], ["Grvl", None, "x"], [True, 1, 1.0], [1, 1.0, True],
     [[5], None, [6]], [np.float64(5), np.int8(6), np.bool_(1)], [None, None, None], [2**70, 5, -1],
     [pd.Timestamp(2008, 1, 1), None, pd.NaT], ["5", 5, ""]],
    ids=str,
)  # fmt: skip
def test_any_column_of_a_dataframe(model: Model, name: str, values: list[Any], kind: Any) -> None:
    table: dict[str, Any] = {
        "Neighborhood": "NAmes",
        "OverallQual": 5,
        "YearBuilt": 1960,
        "GrLivArea": 1000,
    }
    try:
        column = pd.Series(values, dtype=kind)
    except (TypeError, ValueError, OverflowError):
        column = pd.Series(values, dtype=object)
    frame = pd.DataFrame({**{k: [v] * 3 for k, v in table.items()}, name: column, "Colour": "red"})
    before = frame.copy(deep=True)

    rows, caveats = frame_rows(frame, model.spec)

    assert predict_frame(model, frame) == model.predict_rows(rows, caveats)
    pd.testing.assert_frame_equal(frame, before)


def test_a_dataframe_under_any_index_and_length(model: Model, houses: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(houses * 3)
    frame.loc[7, "OverallQual"] = -1
    frame.loc[70, "GarageYrBlt"] = 2207
    frame.index = pd.Index(["same"] * len(frame))

    rows, caveats = frame_rows(frame, model.spec)

    result = model.predict(frame)
    assert result == model.predict_rows(rows, caveats)
    assert [e["row"] for e in result["errors"]] == [7]
    assert 70 in [w["row"] for w in result["warnings"]]


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_generated_houses_are_clean(
    model: Model, houses: list[dict[str, Any]], valuer: TableValuer, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"houses.{suffix}"
    frame = pd.DataFrame(houses)
    if suffix == "csv":
        frame.to_csv(path, index=False, na_rep="NA")
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(house) + "\n" for house in houses), "utf-8")

    assert_equal(model, valuer, path)
    for part in sources.parts(TableReader(path, model.spec), model.spec):
        assert not part.chunk().apart
