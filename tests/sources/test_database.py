"""What a query gave is kept as a file that trains the same model, whatever the database does."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from regression_model.artifact import open_artifact
from regression_model.config.spec import Spec
from regression_model.errors import DataError
from regression_model.sales.table import load_sales
from regression_model.sources.database import take_snapshot

SERVERS = {
    "postgresql": (
        "REGRESSION_MODEL_TEST_POSTGRES_URL",
        "postgresql+psycopg://root@127.0.0.1:5432/test",
    ),
    "mariadb": ("REGRESSION_MODEL_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test"),
}
Call = Callable[..., Result]
TABLE = f"regression_model_test_{os.getpid()}"


@pytest.fixture
def frame(sales_csv: bytes, tmp_path: Path, spec: Spec) -> pd.DataFrame:
    """The sales with the types of a database: null for NA where that is no level of the column."""
    path = tmp_path / "sales.csv"
    path.write_bytes(sales_csv)
    table = pd.read_csv(path, keep_default_na=False, na_values=[])
    levels = {f.name for f in spec.features if "NA" in f.levels}
    for name in table.columns:
        if name not in levels and (table[name] == "NA").any():
            known = table[name].where(table[name] != "NA")
            number = spec.features[[f.name for f in spec.features].index(name)].type != "text"
            table[name] = pd.to_numeric(known) if number else known
    return table


def write(engine: Engine, frame: pd.DataFrame) -> None:
    with engine.begin() as connection:
        frame.to_sql(TABLE, connection, index=False)


@pytest.fixture(params=["sqlite", *SERVERS])
def database(request: pytest.FixtureRequest, frame: pd.DataFrame) -> Iterator[str]:
    """The address of a database that holds the sales; skips where a server does not answer."""
    variable, default = SERVERS.get(request.param, ("", "sqlite:///sales.db"))
    address = os.environ.get(variable) or default
    engine = create_engine(address, connect_args={"connect_timeout": 3} if variable else {})
    try:
        engine.connect().close()
    except OperationalError as error:
        engine.dispose()
        pytest.skip(f"{engine.url!r} does not answer ({error.orig}); {variable} names another")
    try:
        write(engine, frame)
        yield address
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
        engine.dispose()


@pytest.fixture
def lite() -> Iterator[sqlite3.Connection]:
    """A small SQLite database, sales.db."""
    connection = sqlite3.connect("sales.db")
    yield connection
    connection.close()


def table_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def test_the_rows_of_a_database_are_those_of_the_table(
    database: str, sales_csv: bytes, tmp_path: Path, spec: Spec
) -> None:
    taken = take_snapshot(f"SELECT * FROM {TABLE}", database, spec)

    (tmp_path / "table.csv").write_bytes(sales_csv)
    expected, found = load_sales(tmp_path / "table.csv", spec), load_sales(taken.path, spec)
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    np.testing.assert_array_equal(found.prices, expected.prices)
    assert taken.rows == len(expected.prices)
    assert taken.path == Path(f"datasets/snapshots/sales-{found.sha256[:12]}.csv")


def test_the_snapshot_is_the_same_in_any_order_of_the_rows(database: str, spec: Spec) -> None:
    first = take_snapshot(f"SELECT * FROM {TABLE}", database, spec)
    before = first.path.stat().st_mtime_ns

    again = take_snapshot(f"SELECT * FROM {TABLE} ORDER BY 81 DESC", database, spec)

    assert again == first
    assert again.path.stat().st_mtime_ns == before


def test_query_and_snapshot_train_the_same_model(
    sales_csv: bytes,
    lite: sqlite3.Connection,
    small_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    header, *rows = [line.split(",") for line in sales_csv.decode().splitlines()]
    columns = ", ".join(f'"{name}"' for name in header)
    lite.execute(f"CREATE TABLE sales ({columns})")
    lite.executemany(f"INSERT INTO sales VALUES ({', '.join('?' * len(header))})", rows)
    lite.commit()
    query = ["--sql", "SELECT * FROM sales", "--database", "sqlite:///sales.db"]

    result = call("train", *query, "--config", small_config, "--output", "queried")
    assert result.exit_code == 0, result.output
    (snapshot,) = Path("datasets/snapshots").glob("*.csv")
    lite.execute("DELETE FROM sales")  # the database moves on
    lite.commit()
    again = call("train", "--data", snapshot, "--config", small_config, "--output", "kept")
    assert again.exit_code == 0, again.output

    assert (
        f"200 rows of sqlite:///sales.db are kept in {snapshot}, which --data takes"
        in result.stderr
    )
    one, other = open_artifact(Path("queried")), open_artifact(Path("kept"))
    assert one.manifest == other.manifest
    assert Path("queried/CURRENT").read_text() == Path("kept/CURRENT").read_text()
    digest = hashlib.sha256(snapshot.read_bytes()).hexdigest()
    assert one.manifest["data"] == {
        "source": "file",
        "name": snapshot.name,
        "rows": 200,
        "sha256": digest,
    }
    record = json.loads(snapshot.with_suffix(".json").read_text())
    assert (record["query"], record["database"]) == ("SELECT * FROM sales", "sqlite:///sales.db")
    assert (record["rows"], record["sha256"]) == (200, digest)
    assert datetime.fromisoformat(record["read_at"]).tzinfo is not None


def test_null_is_null_and_text_is_a_cell_of_csv(lite: sqlite3.Connection, spec: Spec) -> None:
    lite.execute('CREATE TABLE sales ("Id", "MasVnrType", "Alley", "LotFrontage")')
    lite.executemany(
        "INSERT INTO sales VALUES (?, ?, ?, ?)",
        [(1, "None", "NA", 65.5), (2, None, None, None), (3, 'a "b",\nc', "", "NA")],
    )
    lite.commit()

    taken = take_snapshot("SELECT * FROM sales", "sqlite:///sales.db", spec)

    assert table_of(taken.path) == [
        ["Id", "MasVnrType", "Alley", "LotFrontage"],
        ["1", "None", "NA", "65.5"],
        ["2", "", "", ""],
        ["3", 'a "b",\nc', "", "NA"],
    ]


@pytest.mark.parametrize("database", list(SERVERS), indirect=True)
def test_types_of_databases_become_cells(database: str, spec: Spec) -> None:
    taken = take_snapshot(
        "SELECT CAST(208500.50 AS DECIMAL(20, 2)) AS a, CAST(1e15 AS DECIMAL(20, 0)) AS b, "
        "DATE '2008-02-01' AS c, CAST('2008-02-01 10:20:30' AS "
        f"{'TIMESTAMP' if database.startswith('postgresql') else 'DATETIME'}) AS d, NULL AS e",
        database,
        spec,
    )

    assert table_of(taken.path)[1] == [
        "208500.50",
        "1000000000000000",
        date(2008, 2, 1).isoformat(),
        datetime(2008, 2, 1, 10, 20, 30).isoformat(),
        "",
    ]
    assert Decimal(table_of(taken.path)[1][0]) == Decimal("208500.5")


def test_names_are_spelled_as_the_config_spells_them(database: str, spec: Spec) -> None:
    taken = take_snapshot("SELECT 1 AS lotarea, 2 AS FIRSTFLRSF, 3 AS Strange", database, spec)

    names = table_of(taken.path)[0]
    assert names[:2] == ["LotArea", "FirstFlrSF"]
    assert names[2].lower() == "strange"


def test_percent_and_colon_mean_nothing_to_us(database: str, spec: Spec) -> None:
    taken = take_snapshot("SELECT 7 % 4 AS Id, 'a :b %s' AS Street", database, spec)

    assert table_of(taken.path)[1] == ["3", "a :b %s"]


def test_a_statement_that_changes_something_is_undone(database: str, spec: Spec) -> None:
    with pytest.raises(
        DataError, match="the statement gives no rows, and what it changed was undone"
    ):
        take_snapshot(f"DELETE FROM {TABLE}", database, spec)

    assert take_snapshot(f"SELECT * FROM {TABLE}", database, spec).rows == 200


def test_a_failing_query_is_said_in_one_line(database: str, spec: Spec) -> None:
    with pytest.raises(DataError, match="absent") as refused:
        take_snapshot("SELECT * FROM absent", database, spec)

    assert "\n" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1 AS Id WHERE 0", "the query gives no rows; there is nothing to learn from"),
        ("SELECT x'00' AS Street", "column Street holds bytes; cast it to text or a number"),
        ("", "the statement gives no rows"),
    ],
)
def test_what_is_no_table_is_refused(
    lite: sqlite3.Connection, query: str, message: str, spec: Spec
) -> None:
    lite.execute("CREATE TABLE sales (id)")
    lite.commit()

    with pytest.raises(DataError, match=message):
        take_snapshot(query, "sqlite:///sales.db", spec)

    assert not Path("datasets").exists()


def test_a_column_that_stands_twice_is_refused(lite: sqlite3.Connection, spec: Spec) -> None:
    lite.execute("CREATE TABLE sales (id)")
    lite.commit()

    taken = take_snapshot("SELECT 1 AS Id, 2 AS id", "sqlite:///sales.db", spec)

    with pytest.raises(DataError, match="column 'Id' appears twice in the table; rename one"):
        load_sales(taken.path, spec)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("sqlite:///absent.db", "absent.db: there is no such SQLite database"),
        ("sales", r"address cannot be understood \(it is not shown, it may hold a password\)"),
        ("postgresql://ann:hunter2@host:port/x", "address cannot be understood"),
        ("nosuch://ann:hunter2@host/x", r"nosuch://ann:\*\*\*@host/x: .*nosuch"),
        ("postgresql+psycopg2://ann:hunter2@host/x", "its driver cannot be loaded .*psycopg2.*; install it, or"),
        ("postgresql+psycopg://ann:hunter2@127.0.0.1:1/x?password=hunter2", r"ann:\*\*\*@127.0.0.1:1/x: "),
        ("sqlite://?timeout=hunter2", r"sqlite://: could not convert .*'\*\*\*'"),
        ("mysql+pymysql://ann:hunter2@127.0.0.1:1/x", r"ann:\*\*\*@127.0.0.1:1/x: "),
        ("mysql+pymysql://ann:hunter2@127.0.0.1:1/x?odd=hunter2", r"ann:\*\*\*@127.0.0.1:1/x: "),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_opened_is_said_without_its_password(
    address: str, message: str, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_DATABASE_URL", address)

    result = call("train", "--sql", "SELECT 1", "--output", "models")

    assert result.exit_code == 2
    assert re.search(message, result.stderr), result.stderr
    assert "hunter2" not in result.output
    assert len(result.stderr.splitlines()) == 1
    assert not Path("absent.db").exists()
    assert not Path("models").exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_record_of_a_snapshot_holds_no_password(database: str, spec: Spec) -> None:
    url = make_url(database).set(query={"application_name": "hunter2"})
    if url.password is None:
        url = url.set(password="hunter2")  # noqa: S106  # trusted whatever it is

    taken = take_snapshot("SELECT 1 AS Id", url.render_as_string(hide_password=False), spec)

    assert "hunter2" not in taken.path.with_suffix(".json").read_text()
    assert "hunter2" not in repr(taken)
    assert ":***@" in taken.database


def test_a_spoiled_snapshot_is_written_anew(lite: sqlite3.Connection, spec: Spec) -> None:
    lite.execute("CREATE TABLE sales (id)")
    lite.commit()
    taken = take_snapshot("SELECT 1 AS Id", "sqlite:///sales.db", spec)
    taken.path.write_text("half")

    take_snapshot("SELECT 1 AS Id", "sqlite:///sales.db", spec)

    assert taken.path.read_text() == "Id\n1\n"
