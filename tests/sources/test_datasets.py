"""`data fetch`: whole files with a record of where they are from, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result

from regression_model.config.spec import Spec
from regression_model.sales.table import load_sales
from regression_model.sources.folder import DATASETS_VARIABLE, fetched_data

KAGGLE = "/api/v1/competitions/data/download-all/house-prices-advanced-regression-techniques"
OPENML = "/api/v1/json/data/42165"
FILE = "/data/v1/download/21754539/house_prices.arff"
OLD = "what stood here before"
Call = Callable[..., Result]
Zip = Callable[[Mapping[str, bytes]], bytes]
Arff = Callable[[bytes], bytes]


def started(*arguments: str, before: str = "") -> subprocess.Popen[str]:
    """The command in a process of its own."""
    program = f"""
import sys
from regression_model.cli import main
sys.argv = ["regression-model", *{arguments!r}]
{before}
main()
"""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def files(sales_csv: bytes) -> dict[str, bytes]:
    """What Kaggle's archive holds."""
    return {"train.csv": sales_csv, "test.csv": b"Id\n1461\n", "data_description.txt": b"About"}


@pytest.fixture
def kaggle(
    service: Any, files: dict[str, bytes], to_zip: Zip, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("REGRESSION_MODEL_KAGGLE_URL", service.address)
    monkeypatch.setenv("KAGGLE_USERNAME", "ann")
    monkeypatch.setenv("KAGGLE_KEY", "hunter2")
    service.say(KAGGLE, to_zip(files))
    return service


@pytest.fixture
def openml(service: Any, sales_csv: bytes, to_arff: Arff, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REGRESSION_MODEL_OPENML_URL", service.address)
    file = to_arff(sales_csv)
    checksum = hashlib.md5(file, usedforsecurity=False).hexdigest()
    said = {"url": service.address + FILE, "md5_checksum": checksum, "format": "ARFF"}
    service.say(OPENML, json.dumps({"data_set_description": said}).encode())
    service.say(FILE, file)
    return service


@pytest.fixture
def old() -> Path:
    """A table that stands where the fetched one would."""
    path = Path("datasets/train.csv")
    path.parent.mkdir()
    path.write_text(OLD)
    return path


def test_the_competitions_files_come_with_a_record(
    kaggle: Any, files: dict[str, bytes], call: Call
) -> None:
    result = call("data", "fetch", "--source", "kaggle")

    assert result.exit_code == 0
    folder = Path("datasets")
    assert {p.name for p in folder.iterdir()} == {*files, "fetched.json"}
    for name, content in files.items():
        assert (folder / name).read_bytes() == content
        told = f"datasets/{name}: {len(content):,} bytes, SHA-256 {sha256(content)}"
        assert told in result.stderr
    record = json.loads((folder / "fetched.json").read_text())
    assert record["source"] == "kaggle"
    assert datetime.fromisoformat(record["fetched_at"]).tzinfo is not None
    (download,) = record["downloads"]
    archive = kaggle.answers[KAGGLE][0].body
    assert download["address"] == kaggle.address + KAGGLE
    assert (download["bytes"], download["sha256"]) == (len(archive), sha256(archive))
    assert record["files"] == {
        name: {"bytes": len(content), "sha256": sha256(content)}
        for name, content in sorted(files.items())
    }


def test_no_file_and_no_message_holds_a_credential(kaggle: Any, call: Call) -> None:
    result = call("data", "fetch", "--source", "kaggle", "--json")

    sent = kaggle.asked[0][1]["authorization"].partition(" ")[2]
    written = [p.read_text() for p in Path("datasets").iterdir()]
    for text in (*written, result.output):
        assert "hunter2" not in text
        assert sent not in text


def test_openml_is_asked_by_default(openml: Any, call: Call) -> None:
    result = call("data", "fetch", "--json")

    said = json.loads(result.stdout)
    assert (said["source"], said["folder"], said["changed"]) == ("openml", "datasets", True)
    (download,) = said["downloads"]
    assert (
        download["md5"]
        == hashlib.md5(openml.answers[FILE][0].body, usedforsecurity=False).hexdigest()
    )
    assert said["files"]["train.csv"]["sha256"] == sha256(Path("datasets/train.csv").read_bytes())


def test_both_sources_give_training_the_same_sales(
    kaggle: Any, openml: Any, spec: Spec, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    read = []
    for source in ("kaggle", "openml"):
        monkeypatch.setenv("REGRESSION_MODEL_DATASETS", source)
        assert call("data", "fetch", "--source", source).exit_code == 0
        table = fetched_data()
        assert table == Path(source, "train.csv")
        read.append(load_sales(table, spec))

    pd.testing.assert_frame_equal(read[0].frame, read[1].frame)
    np.testing.assert_array_equal(read[0].prices, read[1].prices)


def test_the_same_files_are_left_alone_without_asking_again(kaggle: Any, call: Call) -> None:
    call("data", "fetch", "--source", "kaggle")
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in Path("datasets").iterdir()}
    asked = len(kaggle.asked)

    again = call("data", "fetch", "--source", "kaggle")

    assert again.exit_code == 0
    assert "Nothing was changed: the same files are there already." in again.stderr
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in Path("datasets").iterdir()} == before
    assert len(kaggle.asked) == asked


def test_a_file_that_was_lost_comes_back_and_the_others_stay(kaggle: Any, call: Call) -> None:
    call("data", "fetch", "--source", "kaggle")
    Path("datasets/test.csv").unlink()
    before = Path("datasets/train.csv").stat().st_mtime_ns

    again = call("data", "fetch", "--source", "kaggle", "--json")

    assert json.loads(again.stdout)["changed"]
    assert Path("datasets/test.csv").read_bytes() == b"Id\n1461\n"
    assert Path("datasets/train.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"source": "kaggle", "files": {"train.csv": 1}}']
)
def test_a_spoiled_record_is_made_anew(kaggle: Any, text: str, call: Call) -> None:
    call("data", "fetch", "--source", "kaggle")
    sound = json.loads(Path("datasets/fetched.json").read_text())
    Path("datasets/fetched.json").write_text(text)

    again = call("data", "fetch", "--source", "kaggle")

    assert again.exit_code == 0
    made = json.loads(Path("datasets/fetched.json").read_text())
    assert made["files"] == sound["files"]


def test_another_table_is_replaced_only_by_force(
    kaggle: Any, old: Path, sales_csv: bytes, call: Call
) -> None:
    refused = call("data", "fetch", "--source", "kaggle")

    assert refused.exit_code == 2
    assert "datasets/train.csv would be replaced by what kaggle has" in refused.stderr
    assert "--force does so, REGRESSION_MODEL_DATASETS names another folder" in refused.stderr
    assert [p.name for p in old.parent.iterdir()] == ["train.csv"]
    assert old.read_text() == OLD

    forced = call("data", "fetch", "--source", "kaggle", "--force")

    assert forced.exit_code == 0
    assert old.read_bytes() == sales_csv


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong credentials": ({"status": 401, "body": b'{"message": "Unauthorized"}'}, "make a new token"),
    "rules": ({"status": 403, "body": b'{"message": "You must accept this competition"}'}, "accept the rules"),
    "truncated": ({"body": b"PK\x03\x04", "length": 5000}, "the download broke off; fetch again"),
    "page": ({"body": b"<!doctype html><title>Sign in</title>"}, "sent a web page instead of data"),
    "no archive": ({"body": b"Id,SalePrice\n"}, "is not a sound zip archive"),
    "gone": ({"status": 404, "body": b"{}"}, "look at REGRESSION_MODEL_KAGGLE_URL"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_goes_wrong_changes_nothing_and_is_said_in_one_line(
    service: Any, old: Path, name: str, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_KAGGLE_URL", service.address)
    monkeypatch.setenv("KAGGLE_USERNAME", "ann")
    monkeypatch.setenv("KAGGLE_KEY", "hunter2")
    answer, message = REFUSALS[name]
    service.say(KAGGLE, **answer)

    result = call("data", "fetch", "--source", "kaggle", "--force")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "hunter2" not in result.stderr
    assert [p.name for p in old.parent.iterdir()] == ["train.csv"]
    assert old.read_text() == OLD


def test_a_table_that_training_would_refuse_replaces_nothing(
    service: Any, kaggle: Any, old: Path, files: dict[str, bytes], to_zip: Zip, call: Call
) -> None:
    spoiled = files["train.csv"].replace(b",NAmes,", b",Nowhere,")
    service.answers.clear()
    service.say(KAGGLE, to_zip({**files, "train.csv": spoiled}))

    result = call("data", "fetch", "--source", "kaggle", "--force")

    assert result.exit_code == 2
    assert "nothing was changed; what kaggle has is no use: train.csv is refused" in result.stderr
    assert "level 'Nowhere' is not declared" in result.stderr
    assert [p.name for p in old.parent.iterdir()] == ["train.csv"]
    assert old.read_text() == OLD


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_fetch_leaves_what_was_there(
    service: Any, kaggle: Any, old: Path, number: signal.Signals
) -> None:
    service.answers[KAGGLE][0].pieces = 20
    service.answers[KAGGLE][0].pause = 0.5

    process = started("data", "fetch", "--source", "kaggle", "--force")
    with process:
        while not service.asked:
            assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)

    assert process.returncode != 0
    assert "Traceback" not in errors
    assert [p.name for p in old.parent.iterdir()] == ["train.csv"]
    assert old.read_text() == OLD


def test_a_full_disk_is_said_and_leaves_what_was_there(kaggle: Any, old: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"

    with started("data", "fetch", "--source", "kaggle", "--force", before=limit) as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "File too large" in errors
    assert "Traceback" not in errors
    assert [p.name for p in old.parent.iterdir()] == ["train.csv"]
    assert old.read_text() == OLD


def test_without_credentials_the_way_without_them_is_named(service: Any, call: Call) -> None:
    result = call("data", "fetch", "--source", "kaggle")

    assert result.exit_code == 2
    assert "set KAGGLE_USERNAME and KAGGLE_KEY" in result.stderr
    assert "--source openml, which needs none" in result.stderr
    assert not Path("datasets").exists()


def test_fetched_data_is_found_in_the_datasets_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATASETS_VARIABLE, str(tmp_path))
    assert fetched_data() is None

    (tmp_path / "train.csv").touch()

    assert fetched_data() == tmp_path / "train.csv"
