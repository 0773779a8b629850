"""Bad training data is refused, every fault in one report; good data comes out the same in any order."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.errors import DataError
from regression_model.reading.issues import MAX_ISSUES_OF_ROW
from regression_model.sales.sample import generate
from regression_model.sales.table import (
    MAX_FAULTS,
    Sales,
    load_sales,
    sample_sales,
)
from regression_model.training.fit import train
from regression_model.training.transformers import RecordEncoder

ROWS = 60


@pytest.fixture(scope="module")
def _generated(spec: Spec) -> pd.DataFrame:
    frame = generate(ROWS, seed=3, spec=spec)
    return frame.astype(object).where(frame.notna(), "NA")


@pytest.fixture
def table(_generated: pd.DataFrame) -> pd.DataFrame:
    """Sales as they stand in a CSV file; row i has Id i + 1."""
    table = _generated.copy()
    table["Id"] = range(1, ROWS + 1)
    return table


Write = Callable[[pd.DataFrame], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_csv(table: pd.DataFrame) -> Path:
        path = tmp_path / "sales.csv"
        table.to_csv(path, index=False)
        return path

    return to_csv


def report_of(path: Path, spec: Spec) -> str:
    with pytest.raises(DataError, match=r"is refused|needs at least") as refused:
        load_sales(path, spec)
    return str(refused.value)


def changed(table: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("SalePrice", "", "SalePrice is missing; a sale needs its price. Give it, or remove the row"),
        ("SalePrice", "NA", "SalePrice is missing"),
        ("SalePrice", "-5", "SalePrice must lie in 1 to 1e.09 dollars, got -5"),
        ("SalePrice", "0", "SalePrice must lie in 1 to 1e.09 dollars, got 0"),
        ("SalePrice", "inf", "SalePrice must lie in 1 to 1e.09 dollars, got inf"),
        ("SalePrice", "2e9", "SalePrice must lie in 1 to 1e.09 dollars, got 2e.09"),
        ("SalePrice", "$200,000", r"SalePrice must be a number, got '\$200,000'"),
        ("MSZoning", "RX", "level 'RX' is not declared; add it to the levels or spellings of MSZoning"),
        ("MSSubClass", "21", "level 21.* is not declared; add it to the levels or spellings"),
        ("LotArea", "-1", "LotArea must lie in 0 to .* square feet, got -1"),
        ("LotArea", "1e300", r"LotArea must lie in 0 to .*, got 1e\+300"),
        ("LotArea", "inf", "LotArea must be a finite number"),
        ("LotArea", "wide", "LotArea must be a number, got text 'wide'; send null where it is unknown"),
        ("YearBuilt", "1990.5", "YearBuilt must be a whole number, got 1990.5"),
        ("YearBuilt", "NA", "YearBuilt is required: year of construction"),
        ("Id", "-4", "Id must lie in 0 to"),
    ],
)  # fmt: skip
def test_fault_is_reported_with_row_column_and_remedy(
    column: str, value: str, message: str, table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    report = report_of(write(changed(table, 16, column, value)), spec)

    assert report.startswith("sales.csv is refused as a table of sales: 1 fault(s)\n")
    identity = r" \(Id -4\)" if column == "Id" else r" \(Id 17\)"
    assert re.search(rf"^  row 17{identity}, {column}: .*{message}", report, re.MULTILINE)


def test_duplicate_identifier_names_both_rows(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    report = report_of(write(changed(table, 16, "Id", 4)), spec)

    assert "row 17 (Id 4), Id: duplicate Id 4 (first in row 4); remove one" in report


def test_missing_columns_are_named_once_each(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    report = report_of(write(table.drop(columns=["LotArea", "MoSold"])), spec)

    for column in ("LotArea", "MoSold"):
        assert (
            report.count(f"table, {column}: the config declares this column, the table does not")
            == 1
        )
    assert "2 fault(s)" in report
    assert "add it, or remove it from the config" in report


def test_missing_target_column_is_refused(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    report = report_of(write(table.drop(columns="SalePrice")), spec)

    assert "table, SalePrice: the config declares this column, the table does not have it" in report


def test_table_without_identifiers_is_accepted(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    sales = load_sales(write(table.drop(columns="Id")), spec)

    assert len(sales.prices) == ROWS
    assert sorted(sales.prices) == sorted(map(float, table["SalePrice"]))


@pytest.mark.parametrize("cells", [3, 200])
def test_ragged_row_is_named_with_line_and_cells(
    cells: int, table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    path = write(table)
    lines = path.read_text("utf-8").splitlines()
    lines[17] = ",".join(["1"] * cells)
    path.write_text("\n".join(lines), encoding="utf-8")

    report = report_of(path, spec)

    assert f"row 17: line 18 has {cells} cells, the header has {len(table.columns)}" in report
    assert "1 fault(s)" in report


def test_all_faults_stand_in_one_report_in_the_order_of_rows(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    faults: list[tuple[int, str, Any]] = [
        (2, "SalePrice", ""),
        (5, "LotArea", "-1"),
        (6, "MSZoning", "RX"),
        (9, "YearBuilt", "old"),
        (30, "Id", 1),
        (44, "Street", "Mud"),
        (ROWS - 1, "SalePrice", "-1"),
    ]
    for row, column, value in faults:
        changed(table, row, column, value)

    report = report_of(write(table), spec).splitlines()

    assert report[0].endswith(f": {len(faults)} fault(s)")
    places = [re.match(r"  row (\d+) \(Id \d+\), (\w+): ", line) for line in report[1:]]
    found = [(int(place[1]) - 1, place[2]) for place in places if place]
    assert found == [(row, column) for row, column, _ in faults]


def test_all_faults_of_one_row_are_reported(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    wrong = {"LotArea": "-1", "MSZoning": "RX", "SalePrice": "", "YearBuilt": "old", "Id": 1}
    for column, value in wrong.items():
        changed(table, 5, column, value)

    report = report_of(write(table), spec)

    assert set(re.findall(r"row 6 \(Id 1\), (\w+): ", report)) == set(wrong)


def test_fault_that_many_rows_share_takes_one_line(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    table["LotArea"] = -1
    changed(table, 3, "MSZoning", "RX")
    changed(table, 7, "LotArea", -2)

    report = report_of(write(table), spec).splitlines()

    shared = [line for line in report if "got -1" in line]
    assert len(shared) == 1
    assert f"{ROWS - 2} more row(s): 2, 3, 4" in shared[0]
    assert sum("got -2" in line for line in report) == 1


def test_endless_report_is_cut_and_counted(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    for column in ("LotArea", "GrLivArea", "1stFlrSF", "GarageArea"):
        table[column] = [-1 - i for i in range(ROWS)]

    report = report_of(write(table), spec).splitlines()

    assert report[0].endswith(f": {4 * ROWS} fault(s)")
    assert report[-1].startswith(f"  … and {4 * ROWS - MAX_FAULTS} more")
    assert len(report) == MAX_FAULTS + 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sales.csv", b"", "sales.csv: the file is empty; expected a header and rows"),
        ("sales.csv", b"\n\n", "sales.csv: the file is empty|no column of a house"),
        ("sales.csv", b"a;b;c\n1;2;3\n", "no column of a house in the header.*comma-separated table"),
        ("sales.csv", b"\x89PNG\r\n\x1a\n\x00\xff" * 50, "sales.csv, line 1: is not UTF-8 text"),
        ("sales.csv", bytes(range(32)) * 9, "sales.csv.*(not a CSV file|no column of a house)"),
        ("sales.csv", b'Id,LotArea\n1,"2\n', "sales.csv, line 2: not a CSV file: unexpected end"),
        ("sales.csv", b"Id,LotArea,LotArea\n1,2,3\n", "column 'LotArea' appears twice.*rename"),
        ("sales.parquet", b"PAR1" + b"garbage" * 90, "sales.parquet: not a Parquet file"),
        ("sales.parquet", b"", "sales.parquet: not a Parquet file"),
        ("sales.ndjson", b"", "the table has a header and no rows|the file is empty|no rows"),
        ("sales.ndjson", b"{]\n" * 60, "row 1: line 1 is not strict JSON"),
        ("sales.ndjson", b"[1, 2]\n" * 60, "row 1: a house is an object, got a list"),
        ("sales.xlsx", b"PK", r"sales.xlsx: unknown kind of table; expected \.csv, \.parquet"),
    ],
)  # fmt: skip
def test_file_that_is_no_table_is_refused_by_name(
    name: str, content: bytes, message: str, tmp_path: Path, spec: Spec
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(DataError, match=rf"(?s){message}"):
        load_sales(path, spec)


def test_header_without_rows_is_refused(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    assert "the table has a header and no rows; give it sales" in report_of(write(table[:0]), spec)


def test_missing_file_is_refused_by_name(tmp_path: Path, spec: Spec) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read: No such file"):
        load_sales(tmp_path / "nowhere.csv", spec)


def test_too_few_rows_for_the_folds_are_refused(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    sales = load_sales(write(table[:49]), spec)

    with pytest.raises(
        DataError, match="has 49 sales; cross-validation in 5 folds needs at least 50"
    ):
        train(spec, sales)


def encoded(sales: Sales, spec: Spec) -> Any:
    """What the model is fitted on: ``NA`` and null are the same level where config says so."""
    return RecordEncoder(spec).transform(sales.frame)


def assert_same(one: Sales, other: Sales, spec: Spec) -> None:
    np.testing.assert_array_equal(encoded(one, spec), encoded(other, spec))
    np.testing.assert_array_equal(one.prices, other.prices)
    assert one.profile == other.profile
    assert one.notices == other.notices


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_any_order_give_the_same_sales(
    seed: int, table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    ordered = load_sales(write(table), spec)
    shuffled = load_sales(write(table.sample(frac=1, random_state=seed)), spec)

    assert ordered.frame["Id"].tolist() == list(range(1, ROWS + 1))
    assert_same(ordered, shuffled, spec)


def test_rows_without_identifiers_are_ordered_by_their_values(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    table = table.drop(columns="Id")
    ordered = load_sales(write(table), spec)

    assert_same(ordered, load_sales(write(table.sample(frac=1, random_state=1)), spec), spec)


def test_columns_in_any_order_give_the_same_sales(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    ordered = load_sales(write(table), spec)

    assert_same(ordered, load_sales(write(table[sorted(table.columns)]), spec), spec)


def test_parquet_and_csv_give_the_same_sales(
    table: pd.DataFrame, write: Write, tmp_path: Path, spec: Spec
) -> None:
    frame = generate(ROWS, seed=3, spec=spec)
    frame["Id"] = range(1, ROWS + 1)
    frame.to_parquet(tmp_path / "sales.parquet")
    with (tmp_path / "sales.ndjson").open("w") as stream:
        frame.to_json(stream, orient="records", lines=True)

    from_csv = load_sales(write(table), spec)

    assert_same(from_csv, load_sales(tmp_path / "sales.parquet", spec), spec)
    assert_same(from_csv, load_sales(tmp_path / "sales.ndjson", spec), spec)


def test_values_beyond_the_declared_range_are_noticed(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    changed(table, 3, "LotArea", 900_000)
    changed(table, 4, "LotArea", 900_001)
    changed(table, 5, "GarageYrBlt", 2207)

    notices = load_sales(write(table), spec).notices

    beyond = "beyond the declared range (widen it in the config, or look at them)"
    assert f"LotArea: 2 row(s) {beyond}" in notices
    assert f"GarageYrBlt: 1 row(s) {beyond}" in notices
    assert "GarageYrBlt: 1 row(s) after the year of the sale" in notices


def test_ordinary_sales_have_no_notices(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    assert load_sales(write(table), spec).notices == []


def test_unknown_columns_are_one_notice(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    table["Agent"] = "somebody"
    table["Colour"] = "red"

    sales = load_sales(write(table), spec)

    assert sales.notices == ["2 unknown column(s) are not used: Agent, Colour"]
    assert "Agent" not in sales.frame.columns


def test_declared_spellings_and_aliases_are_accepted(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    changed(table, 0, "MSZoning", "C (all)")
    changed(table, 1, "BldgType", "Duplex")
    plain = load_sales(write(table), spec)
    changed(table, 0, "MSZoning", "C")
    changed(table, 1, "BldgType", "Duplx")
    spelled = load_sales(write(table.rename(columns={"1stFlrSF": "FirstFlrSF"})), spec)

    assert spelled.profile == plain.profile
    assert spelled.frame["1stFlrSF"].tolist() == plain.frame["1stFlrSF"].tolist()


def test_profile_holds_what_training_met(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    table["LotFrontage"] = [50.0] * (ROWS - 15) + ["NA"] * 15
    table["Street"] = "Pave"

    profile = load_sales(write(table), spec).profile

    assert profile["unknown"]["LotFrontage"] == 0.25
    assert profile["ranges"]["LotFrontage"] == [50.0, 50.0]
    assert profile["levels"]["Street"] == ["Pave"]


def test_sales_know_the_file_they_came_from(table: pd.DataFrame, write: Write, spec: Spec) -> None:
    from hashlib import sha256

    path = write(table)
    sales = load_sales(path, spec)

    assert (sales.source, sales.name) == ("file", "sales.csv")
    assert sales.sha256 == sha256(path.read_bytes()).hexdigest()


def test_sample_is_the_same_every_time_and_says_what_it_is(spec: Spec) -> None:
    one, other = sample_sales(spec, ROWS), sample_sales(spec, ROWS)

    assert_same(one, other, spec)
    assert (one.source, one.sha256) == ("sample", other.sha256)
    assert len(one.prices) == ROWS


def test_real_sales_are_accepted_whole(ames: Path, spec: Spec) -> None:
    sales = load_sales(ames / "train.csv", spec)

    assert len(sales.prices) == 1460
    assert sales.notices == ["YearRemodAdd: 1 row(s) after the year of the sale"]


def test_a_report_counts_what_it_does_not_say(
    table: pd.DataFrame, write: Write, spec: Spec
) -> None:
    leveled = [f.name for f in spec.inputs if f.has_levels and f.type == "text"]
    table[leveled] = "nowhere"

    report = report_of(write(table), spec)

    assert f"{ROWS * len(leveled)} fault(s)" in report
    assert report.count("level 'nowhere' is not declared") == MAX_ISSUES_OF_ROW
    last = f"  rows 1 to {ROWS}, {leveled[-1]}: {ROWS} more value(s), unseen_level"
    assert report.splitlines()[-1] == last


def test_a_price_that_no_double_holds_is_refused(
    table: pd.DataFrame, spec: Spec, tmp_path: Path
) -> None:
    path = tmp_path / "sales.ndjson"
    lines = table.replace("NA", None).to_json(orient="records", lines=True).splitlines()
    price = f'"SalePrice":{table["SalePrice"][0]}'
    path.write_text("\n".join([lines[0].replace(price, f'"SalePrice":{"9" * 400}'), *lines[1:]]))

    assert "SalePrice must lie in 1 to 1e+09 dollars, got an integer of about 400 digits" in (
        report_of(path, spec)
    )
