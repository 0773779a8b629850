"""The competition's files come with the credentials that there are, or not at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from regression_model.errors import FetchFailed
from regression_model.sources.download import Limits
from regression_model.sources.kaggle import ADDRESS, COMPETITION, VARIABLE, credentials, fetch

DOWNLOAD = f"/api/v1/competitions/data/download-all/{COMPETITION}"
QUICK = Limits(silence=0.5, whole=2, size=10_000, retries=1, wait=0.01, longest_wait=1)
Zip = Callable[[Mapping[str, bytes]], bytes]


@pytest.fixture
def kaggle(service: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in, and credentials for it."""
    monkeypatch.setenv(VARIABLE, service.address)
    monkeypatch.setenv("KAGGLE_USERNAME", "ann")
    monkeypatch.setenv("KAGGLE_KEY", "hunter2")
    return service


def test_all_files_of_the_competition_come(kaggle: Any, to_zip: Zip) -> None:
    files = {"train.csv": b"Id\n1\n", "test.csv": b"Id\n2\n", "data_description.txt": b"About"}
    kaggle.say(DOWNLOAD, to_zip(files))

    fetched = fetch(None, QUICK)

    assert fetched.files == files
    assert [file.address for file in fetched.downloads] == [kaggle.address + DOWNLOAD]
    pair = base64.b64encode(b"ann:hunter2").decode()
    assert kaggle.asked[0][1]["authorization"] == f"Basic {pair}"


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (401, "Unauthorized", "the credentials in KAGGLE_USERNAME and KAGGLE_KEY are wrong or expired; make a"),
        (403, "You must accept this competition's rules before you'll be able to download files.",
         r"You must accept .* files\) to .*: accept the rules at .*/rules in a browser, once, then fetch again"),
        (403, "Permission 'competitions.participate' was denied", "the credentials in .* do not permit it"),
        (404, "Not Found", f"look at {VARIABLE}"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(kaggle: Any, status: int, said: str, message: str) -> None:
    kaggle.say(DOWNLOAD, json.dumps({"code": status, "message": said}).encode(), status)

    with pytest.raises(FetchFailed, match=message) as refused:
        fetch(None, QUICK)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../train.csv": b"x", "train.csv": b"y"}, r"holds '\.\./train\.csv', which is not a plain file"),
        ({"/etc/train.csv": b"x"}, "which is not a plain file name; nothing in it is used"),
        ({"data\\train.csv": b"x"}, "which is not a plain file name"),
        ({".bashrc": b"x", "train.csv": b"y"}, "which is not a plain file name"),
        ({"test.csv": b"x", "about.txt": b"y"}, "no train.csv but about.txt, test.csv; look at"),
        ({}, "no train.csv but nothing"),
        ({"train.csv": b"x" * 10_001}, "unpacks to more than 0 MiB"),
    ],
)  # fmt: skip
def test_an_archive_that_is_not_what_was_asked_for_is_refused(
    kaggle: Any, to_zip: Zip, files: dict[str, bytes], message: str
) -> None:
    kaggle.say(DOWNLOAD, to_zip(files))

    with pytest.raises(FetchFailed, match=message):
        fetch(None, QUICK)


def test_an_archive_with_a_turned_bit_is_refused(kaggle: Any, to_zip: Zip) -> None:
    archive = bytearray(to_zip({"train.csv": bytes(range(256))}))
    archive[100] ^= 1  # in the content
    kaggle.say(DOWNLOAD, bytes(archive))

    with pytest.raises(FetchFailed, match=r"not a sound zip archive \(.+\); fetch again"):
        fetch(None, QUICK)


def test_what_is_no_archive_is_refused(kaggle: Any) -> None:
    kaggle.say(DOWNLOAD, b"Id,SalePrice\n1,100\n")

    with pytest.raises(FetchFailed, match="not a sound zip archive"):
        fetch(None, QUICK)


def test_a_token_goes_before_name_and_key(kaggle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_1")

    assert credentials().authorization == "Bearer KGAT_1"
    assert "KGAT_1" not in repr(credentials())


@pytest.mark.parametrize("folder", [".kaggle", ".config/kaggle", "named"])
def test_the_file_of_kaggles_own_client_is_read(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "home" / folder
    path.mkdir(parents=True)
    (path / "kaggle.json").write_text('{"username": "ann", "key": "hunter2"}')
    if folder == "named":
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(path))

    found = credentials()

    assert base64.b64decode(found.authorization.removeprefix("Basic ")) == b"ann:hunter2"
    assert found.found_in == str(path / "kaggle.json")


@pytest.mark.parametrize("text", ["hunter2", '{"username": "ann"}', '["hunter2"]', '"hunter2"'])
def test_a_bad_file_of_credentials_is_refused_without_repeating_it(
    text: str, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".kaggle").mkdir()
    (tmp_path / "home" / ".kaggle" / "kaggle.json").write_text(text)

    with pytest.raises(
        FetchFailed, match=r"kaggle.json does not hold username and key; "
    ) as refused:
        credentials()

    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "set KAGGLE_USERNAME and KAGGLE_KEY .*, or fetch with --source openml"),
        ({"KAGGLE_USERNAME": "ann"}, "KAGGLE_USERNAME is set, KAGGLE_KEY is not; set both"),
        ({"KAGGLE_KEY": "hunter2"}, "KAGGLE_KEY is set, KAGGLE_USERNAME is not; set both"),
        ({"KAGGLE_API_TOKEN": "hunter2\n"}, "KAGGLE_API_TOKEN holds line ends or odd characters"),
    ],
)
def test_credentials_that_are_not_there_are_asked_for(
    given: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(FetchFailed, match=message) as refused:
        credentials()

    assert "hunter2" not in str(refused.value)


def test_by_default_the_public_service_is_asked() -> None:
    assert ADDRESS == "https://www.kaggle.com"
