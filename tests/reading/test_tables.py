"""Tables of houses are read as the values that JSON would hold, or refused with a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.errors import InvalidInput
from regression_model.reading.tables import (
    CHUNK_ROWS,
    TableReader,
    frame_rows,
    is_frame,
    known_columns,
)
from regression_model.reading.validation import Malformed

HEADER = "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea,Alley"
LINE = "1,NAmes,5,1960,1000,Grvl"
ROW = {
    "Id": 1,
    "Neighborhood": "NAmes",
    "OverallQual": 5,
    "YearBuilt": 1960,
    "GrLivArea": 1000,
    "Alley": "Grvl",
}

Read = Callable[..., list[Any]]


@pytest.fixture
def reader(tmp_path: Path, spec: Spec) -> Callable[..., TableReader]:
    def make(content: str | bytes, name: str = "houses.csv", **options: Any) -> TableReader:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return TableReader(path, spec, **options)

    return make


@pytest.fixture
def read(reader: Callable[..., TableReader]) -> Read:
    def rows(*arguments: Any, **options: Any) -> list[Any]:
        chunks = reader(*arguments, **options).chunks()
        return [row for chunk in chunks for row in chunk]

    return rows


# CSV


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADER}\n{LINE}\n", id="plain"),
        pytest.param(f"{HEADER}\n{LINE}", id="no newline at the end"),
        pytest.param(f"{HEADER}\r\n{LINE}\r\n", id="CRLF"),
        pytest.param(f"\ufeff{HEADER}\n{LINE}\n", id="byte order mark"),
        pytest.param(f'\ufeff"Id",{HEADER[3:]}\n{LINE}\n', id="byte order mark and quotes"),
        pytest.param(f'{HEADER}\n"1","NAmes","5","1960","1000","Grvl"\n', id="quoted"),
        pytest.param(f"{HEADER}\n\n{LINE}\n\n\n", id="blank lines"),
        pytest.param(f"{HEADER}\n1.0,NAmes,5.0,1.96e3,1000.000,Grvl\n", id="written otherwise"),
    ],
)
def test_a_csv_file_is_read_however_it_is_written(read: Read, content: str) -> None:
    assert read(content) == [ROW]


def test_a_quoted_cell_may_hold_commas_newlines_and_quotes(read: Read) -> None:
    rows = read(f'{HEADER}\n{LINE[:-4]}"a, ""b""\nc\r\nd"\n{LINE}\n')

    assert rows == [{**ROW, "Alley": 'a, "b"\nc\r\nd'}, ROW]


def test_characters_beyond_ascii_are_read(read: Read) -> None:
    assert read(f"{HEADER}\n{LINE[:-4]}Gr\u00fcn \u2028\U0001f3e0\n")[0]["Alley"] == (
        "Gr\u00fcn \u2028\U0001f3e0"
    )


def test_null_markers_and_empty_cells_are_null(read: Read, spec: Spec) -> None:
    assert "NA" in spec.null_markers
    for marker in ("", *spec.null_markers):
        (row,) = read(f"LotArea,MSZoning,LotShape\n{marker},{marker},{marker}\n")

        assert row == {"LotArea": None, "MSZoning": None, "LotShape": None}


def test_a_marker_that_the_column_declares_as_a_level_is_that_level(read: Read) -> None:
    (row,) = read("Alley,MasVnrType,MasVnrArea\nNA,None,None\n")

    assert row == {"Alley": "NA", "MasVnrType": "None", "MasVnrArea": None}


def test_a_marker_of_another_column_is_null(read: Read) -> None:
    assert read("Alley,MasVnrType\nNone,NA\n") == [{"Alley": None, "MasVnrType": None}]


def test_numbers_become_numbers_and_what_is_none_stays_text(read: Read) -> None:
    rows = read("LotArea,OverallQual\n-1.5,7\nlarge,5\n")

    assert rows == [{"LotArea": -1.5, "OverallQual": 7}, {"LotArea": "large", "OverallQual": 5}]


def test_digits_grouped_as_in_python_source_are_no_number(read: Read) -> None:
    assert read("LotArea,OverallQual\n9_000,5\n")[0]["LotArea"] == "9_000"


def test_a_ragged_row_is_malformed_and_keeps_its_place(read: Read) -> None:
    rows = read(f"{HEADER}\n{LINE}\n1,NAmes\n{LINE}\n{LINE},7\n{LINE}\n")

    assert [type(row) for row in rows] == [dict, Malformed, dict, Malformed, dict]
    assert rows[1] == Malformed("line 3 has 2 cells, the header has 6")
    assert rows[3] == Malformed("line 5 has 7 cells, the header has 6")


def test_the_line_of_a_ragged_row_counts_quoted_newlines_and_blank_lines(read: Read) -> None:
    rows = read(f'{HEADER}\n{LINE[:-4]}"a\nb"\n\n1,NAmes\n')

    assert rows[1] == Malformed("line 5 has 2 cells, the header has 6")


def test_names_are_given_as_the_header_has_them(read: Read) -> None:
    assert read("FirstFlrSF,GrLivArea\n900,1000\n") == [{"FirstFlrSF": 900, "GrLivArea": 1000}]


def test_unknown_columns_are_left_out_with_one_caveat(reader: Callable[..., TableReader]) -> None:
    table = reader(f"Colour,{HEADER},Cats\nred,{LINE},2\n")

    rows = [row for chunk in table.chunks() for row in chunk]

    assert rows == [ROW]
    assert [(c["row"], c["code"]) for c in table.caveats] == [(None, "unknown_column")]
    assert table.caveats[0]["message"] == "2 unknown column(s) are not used: Colour, Cats"


def test_the_target_is_left_out_unless_it_is_wanted(reader: Callable[..., TableReader]) -> None:
    content = f"{HEADER},SalePrice\n{LINE},100000\n"
    without, kept = reader(content), reader(content, keep_target=True)

    assert list(without.chunks()) == [[ROW]]
    assert list(kept.chunks()) == [[{**ROW, "SalePrice": 100000}]]
    assert without.caveats == kept.caveats == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", r"houses\.csv: the file is empty; expected a header and rows", id="empty"),
        pytest.param(
            HEADER.replace(",", ";"), "no column of a house in the header", id="semicolons"
        ),
        pytest.param(HEADER.replace(",", "\t"), "is it a comma-separated table", id="tabs"),
        pytest.param(LINE, "no column of a house .* expected MSSubClass, MSZoning", id="no header"),
        pytest.param(bytes(range(32, 256)) * 9, "not UTF-8|not a CSV|no column", id="garbage"),
        pytest.param(b"PK\x03\x04\x14\x00\x08\x00" * 50, "no column of a house", id="a workbook"),
        pytest.param(f"{HEADER}\n{LINE}".encode("utf-16"), "is not UTF-8 text", id="UTF-16"),
        pytest.param(
            f"{HEADER}\n{LINE[:-4]}Gr\u00fcn\n".encode("latin-1"), "is not UTF-8 text", id="latin-1"
        ),
        pytest.param(f'{HEADER}\n"{LINE}\n', r"line 2: not a CSV file", id="quote never closed"),
        pytest.param(
            f'{HEADER}\n{LINE}\n1,"NA"mes,5,1960,1000,\n', "line 3: not a CSV", id="quote"
        ),
        pytest.param(f"{HEADER}\n{'x' * 200_000},,,,,\n", "line 2: not a CSV", id="a huge cell"),
        pytest.param(f"{HEADER},Id\n", "column 'Id' appears twice", id="repeated column"),
        pytest.param("Colour,Colour,Id\n", "column 'Colour' appears twice", id="repeated unknown"),
    ],
)
def test_what_is_no_table_of_houses_is_refused(
    read: Read, content: str | bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(content)


@pytest.mark.parametrize("content", [HEADER, f"{HEADER}\n", f"{HEADER}\r\n\r\n"])
def test_a_header_alone_has_no_rows(read: Read, content: str) -> None:
    assert read(content) == []


# Newline-delimited JSON


def test_each_line_is_a_house(read: Read) -> None:
    line = json.dumps(ROW)

    assert read(f"{line}\n{line}\r\n\n  \n{line}", "houses.ndjson") == [ROW, ROW, ROW]
    assert read(f"{line}\n", "houses.jsonl") == [ROW]
    assert read("", "houses.ndjson") == []


@pytest.mark.parametrize(
    "bad",
    ["{oops", '{"LotArea": NaN}', "[1,", '{"a": "\\ud800"}', "[" * 5000, "9" * 5000],
    ids=["cut off", "NaN", "unclosed", "surrogate", "nested", "digits"],
)
def test_a_bad_line_is_malformed_and_keeps_its_place(read: Read, bad: str) -> None:
    line = json.dumps(ROW)

    rows = read(f"{line}\n\n{bad}\n{line}\n", "houses.ndjson")

    assert [rows[0], rows[2]] == [ROW, ROW]
    assert isinstance(rows[1], Malformed)
    assert rows[1].message.startswith("line 3 is not strict JSON: ")


def test_lines_that_are_not_text_are_malformed_one_by_one(read: Read) -> None:
    rows = read(b"\xff\xfe\n" + json.dumps(ROW).encode() + b"\n\x00\n", "houses.ndjson")

    assert [type(row) for row in rows] == [Malformed, dict, Malformed]


def test_a_line_that_is_no_object_is_passed_on_to_be_judged(read: Read) -> None:
    assert read("null\n[1]\n3\n", "houses.ndjson") == [None, [1], 3]


# Parquet


def test_a_parquet_file_is_read_with_its_nulls(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "made.parquet"
    frame = pd.DataFrame([ROW, {**ROW, "Alley": None, "GrLivArea": None}]).assign(Colour="red")
    frame.to_parquet(path)

    rows = read(path.read_bytes(), "houses.parquet")

    assert rows == [ROW, {**ROW, "Alley": None, "GrLivArea": None}]


def test_a_nan_in_parquet_is_null(read: Read, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"LotArea": pa.array([1.5, math.nan, None], from_pandas=False)})
    assert table.column("LotArea").null_count == 1
    parquet.write_table(table, tmp_path / "made.parquet")

    rows = read((tmp_path / "made.parquet").read_bytes(), "houses.parquet")

    assert rows == [{"LotArea": 1.5}, {"LotArea": None}, {"LotArea": None}]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1garbagePAR1", b"x" * 1000])
def test_what_is_no_parquet_file_is_refused(read: Read, content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"houses\.parquet: not a Parquet file"):
        read(content, "houses.parquet")


def test_a_parquet_file_without_a_column_of_a_house_is_refused(read: Read, tmp_path: Path) -> None:
    pd.DataFrame({"Colour": ["red"]}).to_parquet(tmp_path / "made.parquet")

    with pytest.raises(InvalidInput, match="no column of a house"):
        read((tmp_path / "made.parquet").read_bytes(), "houses.parquet")


# Any file


@pytest.mark.parametrize("name", ["houses.xlsx", "houses", "houses.csv.gz", "houses.json"])
def test_an_unknown_extension_is_refused_with_the_known_ones(spec: Spec, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"unknown kind of table; expected \.csv, \.parquet"):
        TableReader(Path(name), spec)


@pytest.mark.parametrize("name", ["absent.csv", "absent.ndjson", "absent.parquet"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, spec: Spec, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"absent\.\w+: cannot be read: .*No such file"):
        list(TableReader(tmp_path / name, spec).chunks())


def test_an_extension_may_be_in_capitals(read: Read) -> None:
    assert read(f"{HEADER}\n{LINE}\n", "HOUSES.CSV") == [ROW]


@pytest.mark.parametrize(
    "count", [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS + 3]
)
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_chunks_hold_every_row_once_and_in_order(
    tmp_path: Path, spec: Spec, kind: str, count: int
) -> None:
    path = tmp_path / f"houses.{kind}"
    frame = pd.DataFrame({"Id": range(count), "OverallQual": [5] * count})
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        path.write_text("".join(f'{{"Id": {i}}}\n' for i in range(count)))
    consumed: list[int] = []

    chunks = list(TableReader(path, spec).chunks(consumed.append))

    assert [row["Id"] for chunk in chunks for row in chunk] == list(range(count))
    assert all(0 < len(chunk) <= CHUNK_ROWS for chunk in chunks)
    assert consumed == sorted(consumed)
    assert count == 0 or consumed[-1] == path.stat().st_size


# Frames


def test_only_a_dataframe_is_a_frame() -> None:
    assert is_frame(pd.DataFrame())
    others: list[Any] = [pd.Series([1]), pd.Index([1]), [], {"columns": 1}, None]
    assert not any(is_frame(other) for other in others)


def test_the_rows_of_a_frame_are_plain_values(spec: Spec) -> None:
    frame = pd.DataFrame([{**ROW, "SalePrice": 5}, {**ROW, "Alley": None, "SalePrice": 6}])

    rows, caveats = frame_rows(frame, spec)

    assert rows == [ROW, {**ROW, "Alley": None}]
    assert {type(value) for row in rows for value in row.values()} == {int, str, type(None)}
    assert caveats == []


def test_a_long_list_of_unknown_columns_is_cut(spec: Spec) -> None:
    used, (caveat,) = known_columns(["Id", *(f"x{i}" for i in range(30))], spec)

    assert used == {"Id"}
    assert caveat["message"].startswith("30 unknown column(s) are not used: x0, x1, ")
    assert caveat["message"].endswith("x9, …")


def test_a_name_that_repeats_among_thousands_is_found(spec: Spec, tmp_path: Path) -> None:
    names = [*(f"x{i}" for i in range(20_000)), "LotArea", "y" * 100_000, "LotArea"]
    (tmp_path / "houses.csv").write_text(",".join(names) + "\n")

    with pytest.raises(InvalidInput, match=r"^column 'LotArea' appears twice in the table"):
        list(TableReader(tmp_path / "houses.csv", spec).chunks())
    with pytest.raises(InvalidInput, match=r"^column 'y{80}…' appears twice"):
        frame_rows(pd.DataFrame([[1, 2]], columns=["y" * 100_000] * 2), spec)


def test_unknown_names_of_rows_are_told_apart_up_to_a_limit(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regression_model.reading.tables.MAX_STRANGE_NAMES", 15)
    path = tmp_path / "houses.ndjson"
    said = []
    for count in (14, 15, 40):
        path.write_text("".join(json.dumps({**ROW, f"x{i}": 1}) + "\n" for i in range(count)))
        reader = TableReader(path, spec)
        assert [row for rows in reader.chunks() for row in rows] == [ROW] * count
        said += [caveat["message"] for caveat in reader.caveats]

    listed = ", ".join(f"x{i}" for i in range(10))
    assert said == [
        f"{count} unknown column(s) are not used: {listed}, …"
        for count in ("14", "15 or more", "15 or more")
    ]
