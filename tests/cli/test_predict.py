"""The command `predict`."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model import __version__
from regression_model.version import DISTRIBUTION, VERSION


def test_predict_writes_a_row_for_each_house_and_counts_them(
    call: Callable[..., Result], artifact: Path, table: Path
) -> None:
    result = call("predict", table, "--output", "prices.csv", "--artifact", artifact)

    with Path("prices.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "3 houses: 2 priced, 1 refused, 1 with warnings" in result.stderr
    assert [row["Id"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["prediction"]) for row in rows] == [True, False, True]
    assert "GrLivArea must lie in" in rows[1]["errors"]


def test_predict_finds_the_artifact_that_the_environment_names(
    call: Callable[..., Result], artifact: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))

    assert call("predict", table, "--output", "prices.csv").exit_code == 0
    assert Path("prices.csv").is_file()


def test_predict_answers_in_json(call: Callable[..., Result], artifact: Path, table: Path) -> None:
    result = call("predict", table, "--output", "p.ndjson", "--artifact", artifact, "--json")

    assert json.loads(result.stdout) == {
        "output": "p.ndjson",
        "version": __version__,
        "rows": 3,
        "priced": 2,
        "warned": 1,
    }


@pytest.mark.parametrize("workers", [1, 3])
def test_predict_says_the_same_on_any_number_of_cores(
    call: Callable[..., Result], artifact: Path, table: Path, workers: int
) -> None:
    usual = ["predict", table, "--artifact", artifact, "--output"]
    assert call(*usual, "prices.csv").exit_code == 0

    assert call(*usual, "again.csv", "--workers", workers).exit_code == 0

    assert Path("again.csv").read_text() == Path("prices.csv").read_text()


def test_predict_wants_a_core(call: Callable[..., Result], artifact: Path, table: Path) -> None:
    result = call("predict", table, "--output", "p.csv", "--artifact", artifact, "--workers", 0)

    assert result.exit_code == 2
    assert "'--workers': 0 is not in the range x>=1" in result.stderr


@pytest.mark.parametrize("absent", ["pyarrow", "onnx"])
def test_predict_without_the_batch_libraries_writes_the_same(
    call: Callable[..., Result], run: Callable[..., Any], artifact: Path, table: Path, absent: str
) -> None:
    usual = ["predict", table, "--artifact", artifact, "--output"]
    assert call(*usual, "prices.csv").exit_code == 0

    ended = run(*usual, "again.csv", absent=absent)

    assert ended.returncode == 0, ended.stderr
    assert Path("again.csv").read_text() == Path("prices.csv").read_text()


def test_predict_mentions_columns_that_it_does_not_use(
    call: Callable[..., Result], header: str, artifact: Path, tmp_path: Path
) -> None:
    tmp_path.joinpath("houses.csv").write_text(f"{header},Colour\n1,NAmes,5,1960,1000,red\n")

    result = call("predict", "houses.csv", "--output", "prices.csv", "--artifact", artifact)

    assert result.exit_code == 0
    assert "1 unknown column(s) are not used: Colour" in result.stderr


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("houses.txt", "prices.csv", "houses.txt: unknown kind of table; expected .csv"),
        ("houses.csv", "prices.xlsx", "prices.xlsx: unknown kind of table; expected .csv"),
        ("houses.csv", "absent/prices.csv", "absent/prices.csv: cannot be written"),
        ("houses.csv", "folder.csv", "folder.csv: cannot be written"),
        ("folder.csv", "prices.csv", "folder.csv: cannot be read"),
        ("bad.csv", "prices.csv", "bad.csv: no column of a house in the header"),
    ],
)
def test_predict_refuses_what_it_cannot_read_or_write(
    call: Callable[..., Result],
    artifact: Path,
    table: Path,
    tmp_path: Path,
    source: str,
    target: str,
    message: str,
) -> None:
    (tmp_path / "bad.csv").write_text("a;b\n1;2\n")
    (tmp_path / "folder.csv").mkdir()

    result = call("predict", source, "--output", target, "--artifact", artifact)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert not (tmp_path / "prices.csv").exists()


def test_predict_on_a_full_disk_says_so_and_keeps_the_old_table(
    run: Callable[..., Any], full_disk: str, header: str, artifact: Path, tmp_path: Path
) -> None:
    lines = "".join(f"{i},NAmes,5,1960,1000\n" for i in range(4000))
    tmp_path.joinpath("houses.csv").write_text(f"{header}\n{lines}")
    tmp_path.joinpath("prices.csv").write_text("what stood here before")

    ended = run(
        "predict", "houses.csv", "--output", "prices.csv", "--artifact", artifact, program=full_disk
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "prices.csv: cannot be written: File too large" in ended.stderr
    assert tmp_path.joinpath("prices.csv").read_text() == "what stood here before"
    assert {p.name for p in tmp_path.iterdir()} == {"houses.csv", "prices.csv"}


def test_a_spoiled_model_is_not_used_to_predict(
    call: Callable[..., Result], own_artifact: Path, table: Path
) -> None:
    with (own_artifact / "model.onnx").open("ab") as stream:
        stream.write(b"\0")

    result = call("predict", table, "--output", "prices.csv", "--artifact", own_artifact)

    assert result.exit_code == 2
    assert "model.onnx" in result.stderr
    assert "changed after training" in result.stderr
    assert not Path("prices.csv").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "houses.parquet", "--output", "prices.csv"],
        ["predict", "houses.csv", "--output", "prices.parquet"],
    ],
)
def test_without_pyarrow_parquet_is_refused_with_the_command_that_installs_it(
    run: Callable[..., Any], artifact: Path, table: Path, tmp_path: Path, arguments: list[str]
) -> None:
    shutil.copy(table, tmp_path / "houses.parquet")

    ended = run(*arguments, "--artifact", artifact, absent="pyarrow")

    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: Parquet needs pyarrow, which is not installed. "
        f'Install it with: {sys.executable} -m pip install "{DISTRIBUTION}[batch]=={VERSION}"\n'
    )
    assert not list(tmp_path.glob("prices*"))
