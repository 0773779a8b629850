"""A version is published once, to the index that the environment names, without telling secrets."""

from __future__ import annotations

import hashlib
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from regression_model.version import VERSION

pytestmark = pytest.mark.process

Ended = subprocess.CompletedProcess[str]
Tool = Callable[..., Ended]
Built = tuple[Path, Path]
NOBODY = "http://127.0.0.1:9/"  # the discard port, where nothing listens


@pytest.fixture(scope="module")
def project(checkout: Callable[..., Path]) -> Path:
    """A checkout with tools; the tests say what is to be published."""
    return checkout()


@pytest.fixture
def publish(project: Path, built: Built, run_tool: Tool, token: str) -> Tool:
    """Publishes what was built, or the distributions of another folder."""

    def run(*options: object, folder: Path = built[0].parent, **settings: str) -> Ended:
        ended = run_tool("publish", *options, folder, checkout=project, **settings)
        assert token not in ended.stdout + ended.stderr
        return ended

    return run


def refused(ended: Ended, reason: str) -> None:
    """The tool ended with 1 and one line that says why."""
    assert ended.returncode == 1, ended.stdout
    assert re.fullmatch(rf"publish: .*{reason}.*\n", ended.stderr), ended.stderr
    assert ended.stdout == ""


def test_a_version_is_published_once(index: Any, built: Built, publish: Tool) -> None:
    first = publish(**index.settings)

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"published {built[1].name}, {built[0].name} to ")
    assert index.files() == {path.name: path.read_bytes() for path in built}

    # Nobody listens where the uploads would go: the second is refused before any.
    read = {
        **index.settings,
        "TWINE_REPOSITORY_URL": NOBODY,
        "PIP_INDEX_URL": f"{index.address}simple/",
    }
    refused(publish(**read), rf"version {re.escape(VERSION)} already.*tox -e bump")
    again = publish("--if-new", **read)

    assert again.returncode == 0
    assert again.stdout.endswith(f"has version {VERSION} already: nothing to publish\n")


@pytest.mark.parametrize("options", [[], ["--if-new"]])
def test_a_version_of_which_a_part_is_missing_is_not_taken_for_published(
    index: Any, built: Built, publish: Tool, options: list[str]
) -> None:
    shutil.copy(built[1], index.folder)

    ended = publish(*options, **index.settings)

    refused(ended, rf"has version {re.escape(VERSION)} without \.tar\.gz: an upload was cut short")


def test_the_index_has_the_last_word(index: Any, built: Built, publish: Tool) -> None:
    # An index that has the file and does not list it yet refuses the upload itself.
    shutil.copy(built[1], index.folder)
    with empty_index() as elsewhere:
        ended = publish(**{**index.settings, "PIP_INDEX_URL": elsewhere})

    refused(ended, "twine upload failed: ERROR.*400 Bad Request")
    assert [*index.files()] == [built[1].name]


def test_a_wrong_token_uploads_nothing(index: Any, publish: Tool) -> None:
    ended = publish(**{**index.settings, "TWINE_PASSWORD": "wrong-secret"})

    refused(ended, "twine upload failed: ERROR.*403 Forbidden")
    assert "wrong-secret" not in ended.stderr
    assert index.files() == {}


def test_an_index_that_asks_for_the_token_is_read_with_it(
    serve_index: Callable[..., Any], publish: Tool
) -> None:
    with serve_index("-a", "update,list,download") as private:
        wrong = publish(**{**private.settings, "TWINE_PASSWORD": "wrong-secret"})
        right = publish(**private.settings)

    refused(wrong, "answered 403 when asked; check TWINE_USERNAME and TWINE_PASSWORD")
    assert right.returncode == 0, right.stderr


@pytest.mark.parametrize("settings", [{}, {"TWINE_REPOSITORY_URL": "", "PIP_INDEX_URL": NOBODY}])
def test_without_an_index_nothing_is_done(settings: dict[str, str], publish: Tool) -> None:
    refused(publish(**settings), "TWINE_REPOSITORY_URL is not set")


def test_without_a_token_nothing_is_asked_for(index: Any, publish: Tool) -> None:
    ended = publish(TWINE_REPOSITORY_URL=index.address)

    refused(ended, "twine upload failed: ERROR.*[Cc]redential")
    assert index.files() == {}


def test_an_index_that_cannot_be_reached_is_named(publish: Tool, token: str) -> None:
    address = f"http://publisher:{token}@127.0.0.1:9/"

    refused(
        publish(TWINE_REPOSITORY_URL=address),
        r"http://127\.0\.0\.1:9/simple/ cannot be reached: ConnectionError",
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html><h1>Please sign in</h1></html>"),
        ("application/vnd.pypi.simple.v1+json", b'{"message": "no"}'),
        ("application/vnd.pypi.simple.v1+json", b"<html>"),
        ("text/plain", b"ok"),
        ("application/octet-stream", b"\xff\x00"),
    ],
)
def test_what_is_no_index_is_refused(kind: str, body: bytes, publish: Tool) -> None:
    with answering(200, kind, body) as address:
        ended = publish(TWINE_REPOSITORY_URL=address)

    refused(ended, "does not answer as a package index")


def test_an_index_in_trouble_is_not_taken_for_an_empty_one(publish: Tool) -> None:
    with answering(503, "text/html", b"") as address:
        ended = publish(TWINE_REPOSITORY_URL=address)

    refused(ended, "answered 503 when asked; try again later")


def empty_index() -> Any:
    return answering(404, "text/html", b"")


def answering(status: int, kind: str, body: bytes) -> Any:
    """The address of a server that gives everybody the same answer."""

    class Always(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    @contextmanager
    def serve() -> Iterator[str]:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Always) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                server.shutdown()
                thread.join()

    return serve()


# What is published


def test_there_is_one_of_each(index: Any, built: Built, publish: Tool, tmp_path: Path) -> None:
    refused(publish(folder=tmp_path, **index.settings), r"holds 0 wheel\(s\) and 0 sdist\(s\)")
    shutil.copy(built[0], tmp_path)
    refused(publish(folder=tmp_path, **index.settings), r"holds 0 wheel\(s\) and 1 sdist\(s\)")


def test_they_are_of_this_version(index: Any, built: Built, publish: Tool, tmp_path: Path) -> None:
    for path in built:
        shutil.copy(path, tmp_path / path.name.replace(VERSION, "9.9.9"))

    refused(publish(folder=tmp_path, **index.settings), f"is version 9.9.9, VERSION says {VERSION}")


def test_they_hold_a_model(index: Any, built: Built, publish: Tool, tmp_path: Path) -> None:
    shutil.copy(built[0], tmp_path)
    with ZipFile(built[1]) as whole, ZipFile(tmp_path / built[1].name, "w") as bare:
        for name in whole.namelist():
            if "/artifacts/" not in name:
                bare.writestr(name, whole.read(name))

    refused(publish(folder=tmp_path, **index.settings), "holds 0 models, expected 1")


def test_what_twine_would_not_show_is_refused(
    index: Any, built: Built, publish: Tool, tmp_path: Path
) -> None:
    shutil.copy(built[0], tmp_path)
    with ZipFile(built[1]) as whole, ZipFile(tmp_path / built[1].name, "w") as odd:
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("/METADATA"):
                content = content.partition(b"\n\n")[0] + b"\n"  # no description
            odd.writestr(name, content)

    refused(publish(folder=tmp_path, **index.settings), "twine check failed: .*long_description")


# The hash that platforms check


@pytest.fixture
def pinned(checkout: Callable[..., Path]) -> Path:
    """A checkout whose requirements.txt may be written to."""
    return checkout()


def test_the_published_wheel_is_locked_by_its_hash(
    index: Any, built: Built, publish: Tool, pinned: Path, run_tool: Tool
) -> None:
    assert publish(**index.settings).returncode == 0
    sha256 = hashlib.sha256(built[1].read_bytes()).hexdigest()

    for given in ([], [], ["--wheel", built[1]]):
        ended = run_tool("lock_release", *given, checkout=pinned, **index.settings)
        assert ended.returncode == 0, ended.stderr
        lines = (pinned / "requirements.txt").read_text().splitlines()
        assert lines[-1] == f"house-price-regression[api]=={VERSION} --hash=sha256:{sha256}"


def test_a_lock_is_never_replaced(index: Any, built: Built, pinned: Path, run_tool: Tool) -> None:
    assert run_tool("lock_release", "--wheel", built[1], checkout=pinned).returncode == 0
    before = (pinned / "requirements.txt").read_text()
    (index.folder / built[1].name).write_bytes(built[1].read_bytes() + b"another")

    ended = run_tool("lock_release", checkout=pinned, **index.settings)

    assert ended.returncode == 1
    assert re.fullmatch(r"lock-release: the wheel of .* requirements\.txt says .*\n", ended.stderr)
    assert (pinned / "requirements.txt").read_text() == before


def test_a_version_that_is_not_published_is_not_locked(
    index: Any, pinned: Path, run_tool: Tool
) -> None:
    ended = run_tool("lock_release", checkout=pinned, **index.settings)

    assert ended.returncode == 1
    assert f"has 0 wheels of {VERSION}" in ended.stderr
