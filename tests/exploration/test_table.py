"""A table with faults is read whole: what does not fit is counted and named, all else is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.errors import InvalidInput
from regression_model.exploration.table import FIRST_ROWS, MAX_LEVELS, Fault, Table, read_table


def fault(table: Table, code: str) -> Fault:
    (found,) = (f for f in table.faults if f.code == code)
    return found


def test_sound_sales_have_no_fault(sold: pd.DataFrame, read: Any, spec: Spec) -> None:
    table = read(sold)

    assert [f for f in table.faults if f.refused] == []
    assert list(table.frame.columns) == [*(f.name for f in spec.inputs), "SalePrice"]
    assert table.known("GrLivArea").tolist() == sold["GrLivArea"].tolist()
    assert table.known("SalePrice").tolist() == sold["SalePrice"].tolist()


@pytest.mark.parametrize(
    ("column", "value", "code", "message"),
    [
        ("LotArea", "big", "wrong_type", "LotArea must be a number, got text 'big'"),
        ("OverallQual", "11", "impossible_value", "must lie in 1 to 10"),
        ("OverallQual", "5.5", "wrong_type", "must be a whole number"),
        ("GrLivArea", "", "required", "GrLivArea is required"),
        ("MSZoning", "XX", "unseen_level", "'XX' is not a level of MSZoning"),
        ("SalePrice", "", "no_price", "SalePrice is missing"),
        ("SalePrice", "-4", "impossible_price", "SalePrice must lie in 1 to"),
        ("SalePrice", "much", "impossible_price", "SalePrice must be a number"),
    ],
)
def test_what_is_refused_is_named_and_leaves_the_rest_of_its_row(
    sold: pd.DataFrame, read: Any, column: str, value: str, code: str, message: str
) -> None:
    sold[column] = sold[column].astype(object)
    sold.loc[[2, 7], column] = value

    table = read(sold)

    found = fault(table, code)
    assert (found.column, found.count, found.rows, found.refused) == (column, 2, [3, 8], True)
    assert message in found.message
    assert np.isnan(table.frame[column][[2, 7]]).all()
    others = table.frame.drop(columns=column)
    pd.testing.assert_frame_equal(others, read(sold.drop(columns=column)).frame[others.columns])


def test_so_many_unknown_levels_are_named_and_the_others_counted(
    sold: pd.DataFrame, read: Any
) -> None:
    sold = pd.concat([sold] * (1 + 2 * MAX_LEVELS // len(sold)), ignore_index=True)
    sold["MSZoning"] = [f"zone {i}" for i in range(len(sold))]

    faults = [f for f in read(sold).faults if f.code == "unseen_level"]

    assert len(faults) == MAX_LEVELS + 1
    assert sum(f.count for f in faults) == len(sold)
    assert faults[0].message.startswith("'zone 0' is not a level of MSZoning")
    assert faults[-1].message == f"beyond {MAX_LEVELS} values that are no levels, further ones"


def test_what_is_doubtful_is_counted_and_kept(sold: pd.DataFrame, read: Any) -> None:
    sold.loc[range(6, 20), "LotArea"] = 1_000_000

    table = read(sold)

    found = fault(table, "beyond_training_range")
    assert (found.count, found.refused) == (14, False)
    assert found.rows == [7, 8, 9, 10, 11][:FIRST_ROWS]
    assert table.frame["LotArea"].max() == 1_000_000


def test_a_line_that_is_no_row_keeps_its_place(sold: pd.DataFrame, read: Any) -> None:
    table = read(sold, then="1,2,3\n")

    found = fault(table, "malformed_row")
    assert (found.count, found.rows) == (1, [301])
    assert "302 has 3 cells" in found.message
    assert table.frame.iloc[300].isna().all()


def test_a_table_without_prices_has_none(sold: pd.DataFrame, read: Any) -> None:
    table = read(sold.drop(columns="SalePrice"))

    assert table.prices is None
    assert [f for f in table.faults if f.refused] == []


def test_other_names_of_columns_and_spellings_of_levels_are_understood(
    sold: pd.DataFrame, read: Any
) -> None:
    table = read(sold)
    sold["BldgType"] = sold["BldgType"].replace({"Duplex": "Duplx"})

    renamed = read(sold.rename(columns={"1stFlrSF": "FirstFlrSF"}))

    pd.testing.assert_frame_equal(renamed.frame, table.frame)


def test_rows_of_json_say_what_is_null_and_what_is_absent(spec: Spec, tmp_path: Path) -> None:
    path = tmp_path / "sales.ndjson"
    house = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 900}
    rows = [{**house, "LotArea": None}, {**house, "LotArea": [1]}, house, {**house, "LotArea": 9}]
    path.write_text("\n".join(map(json.dumps, [*rows, 7])))

    table = read_table(path, spec)

    assert table.nulls == {"LotArea": 1}
    assert [f.code for f in table.faults if f.refused] == ["wrong_type", "wrong_type"]
    assert table.known("LotArea").tolist() == [9]
    assert len(table.frame) == 5


def test_rows_are_called_by_their_identifier_or_else_by_their_number(
    sold: pd.DataFrame, read: Any
) -> None:
    sold.loc[1, "Id"] = ""
    table = read(sold)

    assert (table.label(0), table.label(1)) == ("Id 1", "row 2")
    assert read(sold.drop(columns="Id")).label(0) == "row 1"


def test_a_file_that_is_no_table_of_houses_is_refused(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")

    with pytest.raises(InvalidInput, match="no column of a house in the header"):
        read_table(tmp_path / "notes.csv", spec)
    with pytest.raises(InvalidInput, match=r"absent\.csv: cannot be read"):
        read_table(tmp_path / "absent.csv", spec)
