"""A table of houses in, a table of prices out: row for row, whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regression_model import InvalidInput, Model
from regression_model.answer import table_names
from regression_model.reading.tables import CHUNK_ROWS
from regression_model.scoring import Tally, score_table

HEADER = "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea"
LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}

FORMATS = ["csv", "ndjson", "jsonl", "parquet"]


def written(path: Path) -> list[dict[str, Any]]:
    """The rows of an output of any format, numbers as numbers and gaps as None."""
    if path.suffix == ".parquet":
        rows = pd.read_parquet(path).astype(object)
        records: list[Any] = rows.where(rows.notna(), None).to_dict("records")
        return records
    if path.suffix in (".ndjson", ".jsonl"):
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {
                k: float(v) if v and k not in ("errors", "warnings") else v or None
                for k, v in r.items()
            }
            for r in csv.DictReader(stream)
        ]


def write_houses(path: Path, houses: list[dict[str, Any]]) -> Path:
    frame = pd.DataFrame(houses)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, na_rep="NA")
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        path.write_text("".join(json.dumps(house) + "\n" for house in houses), "utf-8")
    return path


def spoiled(error: bytes) -> bytes:
    """A CSV file whose fault stands behind the first chunk, when output was already begun."""
    good = b"".join(b"%d,NAmes,5,1960,1000\n" % i for i in range(CHUNK_ROWS + 100))
    return HEADER.encode() + b"\n" + good + error


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_every_format_gives_the_prices_of_make_prediction(
    model: Model, houses: list[dict[str, Any]], tmp_path: Path, source: str, target: str
) -> None:
    expected = model.predict(houses)
    given = write_houses(tmp_path / f"houses.{source}", houses)
    output = tmp_path / f"prices.{target}"

    tally = score_table(model, given, output)

    rows = written(output)
    assert [list(row) for row in rows] == [table_names("Id")] * len(houses)
    assert [row["Id"] for row in rows] == expected.get("ids")
    assert [row["prediction"] for row in rows] == expected["predictions"]
    assert [[row["lower"], row["upper"]] for row in rows] == expected["intervals"]
    assert [row["fsd"] for row in rows] == expected["fsd"]
    assert [row["known"] for row in rows] == expected["known"]
    assert [row["errors"] for row in rows] == [None] * len(houses)
    assert tally.counts()["rows"] == tally.counts()["priced"] == len(houses)


@pytest.mark.parametrize("target", FORMATS)
def test_a_row_without_a_price_keeps_its_place_and_says_why(
    model: Model, tmp_path: Path, target: str
) -> None:
    source = tmp_path / "houses.csv"
    source.write_text(
        f"{HEADER}\n1,NAmes,5,1960,1000\n2,NAmes,5.5,1960,-1\n3,Nowhere,5,1960,1000\n4,NAmes\n"
        "5,NAmes,5,1960,1000\n"
    )
    output = tmp_path / f"prices.{target}"

    tally = score_table(model, source, output)

    rows = written(output)
    assert [row["Id"] for row in rows] == [1, 2, 3, None, 5]
    assert [row["prediction"] is None for row in rows] == [False, True, False, True, False]
    for name in ("lower", "upper", "fsd", "known"):
        assert [row[name] is None for row in rows] == [False, True, False, True, False]
    assert rows[1]["errors"] == (
        "OverallQual must be a whole number, got 5.5; "
        "GrLivArea must lie in 1 to 100000 square feet, got -1.0"
    )
    assert rows[2]["warnings"].startswith("not a level of Neighborhood; treated as unknown")
    assert rows[3]["errors"] == "line 5 has 2 cells, the header has 5"
    assert rows[0]["errors"] is rows[0]["warnings"] is None
    assert tally == Tally(rows=5, priced=3, warned=1)


def test_n_rows_in_give_n_rows_out_in_order_across_chunks(model: Model, tmp_path: Path) -> None:
    count = 2 * CHUNK_ROWS + 100
    bad = set(range(3, count, 29))
    source, output = tmp_path / "houses.ndjson", tmp_path / "prices.ndjson"
    lines = [
        "{oops" if i in bad else json.dumps({**LEAST, "Id": i, "GrLivArea": 500 + i})
        for i in range(count)
    ]
    source.write_text("\n".join(lines))

    tally = score_table(model, source, output)

    rows = written(output)
    assert len(rows) == count
    assert [row["Id"] for row in rows] == [None if i in bad else i for i in range(count)]
    assert {i for i, row in enumerate(rows) if row["prediction"] is None} == bad
    assert rows[3]["errors"].startswith("line 4 is not strict JSON")
    assert tally.counts()["priced"] == count - len(bad)
    for i in (0, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS, count - 1):
        assert i not in bad
        (price,) = model.predict({**LEAST, "GrLivArea": 500 + i})["predictions"]
        assert rows[i]["prediction"] == pytest.approx(price, abs=0.011)


@pytest.mark.parametrize("source", ["csv", "ndjson", "parquet"])
def test_the_target_is_ignored_in_every_format(
    model: Model, houses: list[dict[str, Any]], tmp_path: Path, source: str
) -> None:
    sold = [{**house, "SalePrice": 123456} for house in houses]
    given = write_houses(tmp_path / f"houses.{source}", sold)

    tally = score_table(model, given, tmp_path / "prices.csv")

    assert tally.counts()["priced"] == len(houses)


@pytest.mark.parametrize("source", ["csv", "ndjson", "parquet"])
def test_unknown_columns_give_one_caveat_in_every_format(
    model: Model, houses: list[dict[str, Any]], tmp_path: Path, source: str
) -> None:
    strange = [{**house, "Colour": "red"} for house in houses]
    given = write_houses(tmp_path / f"houses.{source}", strange)

    tally = score_table(model, given, tmp_path / "prices.csv")

    assert tally.counts()["priced"] == len(houses)
    assert [caveat["message"] for caveat in tally.caveats] == [
        "1 unknown column(s) are not used: Colour"
    ]


@pytest.mark.parametrize("target", FORMATS)
def test_an_identifier_beyond_all_bounds_refuses_its_row_only(
    model: Model, tmp_path: Path, target: str
) -> None:
    source = write_houses(
        tmp_path / "houses.ndjson", [{**LEAST, "Id": 10**20}, {**LEAST, "Id": -5}, LEAST]
    )

    tally = score_table(model, source, tmp_path / f"prices.{target}")

    assert tally.counts() == {"rows": 3, "priced": 1, "warned": 0}


@pytest.mark.parametrize("target", FORMATS)
def test_a_header_alone_gives_a_table_without_rows(
    model: Model, tmp_path: Path, target: str
) -> None:
    source, output = tmp_path / "houses.csv", tmp_path / f"prices.{target}"
    source.write_text(f"{HEADER}\n")

    assert score_table(model, source, output) == Tally()
    assert written(output) == []


def test_the_csv_is_plain(model: Model, tmp_path: Path) -> None:
    source, output = tmp_path / "houses.csv", tmp_path / "prices.csv"
    source.write_bytes(f"\ufeff{HEADER}\r\n7,NAmes,5,1960,1000\r\n".encode())

    score_table(model, source, output)

    answer = model.predict(LEAST)
    (price,), (fsd,) = answer["predictions"], answer["fsd"]
    ((low, high),) = [pair or [] for pair in answer["intervals"]]
    assert output.read_bytes().decode() == (
        f"Id,prediction,lower,upper,fsd,known,errors,warnings\n7,{price},{low},{high},{fsd},4,,\n"
    )


def test_the_source_is_not_replaced(model: Model, tmp_path: Path) -> None:
    source, link = write_houses(tmp_path / "houses.csv", [LEAST]), tmp_path / "link.csv"
    link.symlink_to(source)
    before = source.read_bytes()

    for target in (source, link):
        with pytest.raises(InvalidInput, match=r"houses\.csv, an input \(source\); choose another"):
            score_table(model, source, target)

    assert source.read_bytes() == before
    assert link.is_symlink()


def test_the_model_is_not_replaced(model: Model, artifact: Path, tmp_path: Path) -> None:
    source, link = write_houses(tmp_path / "houses.csv", [LEAST]), tmp_path / "link.csv"
    link.symlink_to(next(artifact.glob("*/golden.json")))

    with pytest.raises(
        InvalidInput, match=r"golden\.json, an input \(model\); choose another target"
    ):
        score_table(model, source, link)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_pipe_receives_the_same_as_a_file(model: Model, tmp_path: Path, suffix: str) -> None:
    source = write_houses(tmp_path / "houses.csv", [LEAST])
    pipe, output = tmp_path / f"pipe.{suffix}", tmp_path / f"prices.{suffix}"
    score_table(model, source, output)
    os.mkfifo(pipe)

    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        try:
            score_table(model, source, pipe)
            read, _ = reader.communicate(timeout=20)
        finally:
            reader.kill()

    assert read == output.read_bytes()
    assert pipe.is_fifo()


# Whole or not at all


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize(
    ("fault", "message"),
    [(b'1,"NAmes,5,1960,1000\n', "not a CSV file"), (b"1,NAm\xe9s,5,1960,1000\n", "not UTF-8")],
)
@pytest.mark.parametrize("before", [None, b"what stood here before"])
def test_a_run_that_fails_midway_leaves_nothing_and_touches_nothing(
    model: Model, tmp_path: Path, target: str, fault: bytes, message: str, before: bytes | None
) -> None:
    source, output = tmp_path / "houses.csv", tmp_path / f"prices.{target}"
    source.write_bytes(spoiled(fault))
    if before is not None:
        output.write_bytes(before)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(InvalidInput, match=message):
        score_table(model, source, output)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_run_leaves_nothing_either(
    model: Model, tmp_path: Path, interruption: type[BaseException]
) -> None:
    source, output = tmp_path / "houses.csv", tmp_path / "prices.csv"
    source.write_bytes(spoiled(b""))
    output.write_text("what stood here before")
    seen: list[str] = []

    def interrupt(done: int, rows: int) -> None:
        seen.append(output.read_text())
        raise interruption("stopped")

    with pytest.raises((interruption, InvalidInput), match="stopped"):
        score_table(model, source, output, progress=interrupt)

    assert seen == ["what stood here before"]
    assert {path.name for path in tmp_path.iterdir()} == {"houses.csv", "prices.csv"}
    assert output.read_text() == "what stood here before"


def _missing_folder(folder: Path) -> Path:
    return folder / "absent" / "prices.csv"


def _a_folder(folder: Path) -> Path:
    (folder / "prices.csv").mkdir()
    return folder / "prices.csv"


@pytest.mark.parametrize("target", [_missing_folder, _a_folder])
def test_a_target_that_cannot_be_written_is_refused(
    model: Model, tmp_path: Path, target: Callable[[Path], Path]
) -> None:
    source = write_houses(tmp_path / "houses.csv", [LEAST])
    output = target(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}

    with pytest.raises(InvalidInput, match=r"prices\.csv: cannot be written"):
        score_table(model, source, output)

    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize(
    ("source", "target"), [("houses.xlsx", "prices.csv"), ("houses.csv", "prices.xlsx")]
)
def test_an_unknown_extension_is_refused_before_anything_is_written(
    model: Model, tmp_path: Path, source: str, target: str
) -> None:
    tmp_path.joinpath(source).write_text(f"{HEADER}\n")

    with pytest.raises(InvalidInput, match=r"\.xlsx: unknown kind of table; expected \.csv"):
        score_table(model, tmp_path / source, tmp_path / target)

    assert [path.name for path in tmp_path.iterdir()] == [source]
