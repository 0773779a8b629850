"""The service tells the source commit that it was deployed from, as it was when it started."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import ml_api
from ml_api.revision import read_revision

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
SHA1, SHA256 = "0123456789abcdef" * 2 + "01234567", "0123456789abcdef" * 4


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the service looks for its revision."""
    monkeypatch.setattr("ml_api.revision.PATH", tmp_path / "REVISION")
    return tmp_path / "REVISION"


def told(client: FlaskClient) -> tuple[str | None, str]:
    """The revision in ``/version`` and in ``ml_api_build_info``."""
    version = client.get("/version").get_json()
    (line,) = re.findall(r"^ml_api_build_info\{(.*)\} 1\.0$", client.get("/metrics").text, re.M)
    labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
    assert labels["version"] == ml_api.__version__
    return version["revision"], labels["revision"]


@pytest.mark.parametrize("written", [SHA1, f"{SHA1}\n", f"{SHA1}\r\n", f"{SHA256}\n"])
def test_version_and_metrics_tell_the_commit_in_the_file(
    make_app: MakeApp, file: Path, log_lines: LogLines, written: str
) -> None:
    file.write_bytes(written.encode())

    assert told(make_app().test_client()) == (written.strip(), written.strip())
    assert log_lines("service.revision_ignored") == []


def test_without_the_file_it_is_null_and_nothing_is_said(
    make_app: MakeApp, file: Path, log_lines: LogLines
) -> None:
    assert told(make_app().test_client()) == (None, "")
    assert log_lines("service.revision_ignored") == []


def test_a_process_tells_what_the_file_said_when_it_started(make_app: MakeApp, file: Path) -> None:
    file.write_text(SHA1)
    old = make_app().test_client()

    file.write_text(SHA256)

    assert told(old) == (SHA1, SHA1)
    assert told(make_app().test_client()) == (SHA256, SHA256)
    file.unlink()
    assert told(old) == (SHA1, SHA1)


@pytest.mark.parametrize(
    "written",
    [b"", b"\n", b"main", SHA1[:-1].encode(), SHA1.upper().encode(), f" {SHA1}".encode(),
     f"{SHA1}\n\n".encode(), f"{SHA1}\n{SHA1}".encode(), b"\xff" * 40, b"0" * 41, b"0" * 1_000_000],
)  # fmt: skip
def test_what_is_no_commit_is_ignored_and_logged(
    make_app: MakeApp, file: Path, log_lines: LogLines, written: bytes
) -> None:
    file.write_bytes(written)

    client = make_app().test_client()

    (line,) = log_lines("service.revision_ignored")
    assert line["reason"].startswith("REVISION holds b")
    assert line["reason"].endswith("expected 40 or 64 hexadecimal digits")
    assert len(line["reason"]) < 400
    assert told(client) == (None, "")


def test_a_file_that_cannot_be_read_stops_no_service(
    make_app: MakeApp, file: Path, log_lines: LogLines
) -> None:
    file.mkdir()

    client = make_app().test_client()

    assert len(log_lines("service.revision_ignored")) == 1
    assert told(client) == (None, "")


def test_what_is_no_commit_is_named(file: Path) -> None:
    file.write_text("v1")

    with pytest.raises(ValueError, match=r"^REVISION holds b'v1': expected 40 or 64 hexadecimal"):
        read_revision(file)
