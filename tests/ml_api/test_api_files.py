"""Nothing in a request makes the service open a file that the request names."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

MakeApp = Callable[..., Flask]

PREDICT = "/v1/regression-model/predict"
CONTENT = "the content of the file"
FIELDS = ("artifact", "model", "file", "path", "config", "data", "explain", "inputs", "$ref", "Id")
HEADERS = (
    "Accept", "Authorization", "Content-Encoding", "Content-Type", "Cookie", "Forwarded", "Host",
    "If-None-Match", "Origin", "Range", "Referer", "Script-Name", "Path-Info", "X-Accel-Redirect",
    "X-API-Key", "X-Artifact", "X-Forwarded-For", "X-Forwarded-Prefix", "X-Original-URL",
    "X-Request-ID", "X-Sendfile",
)  # fmt: skip
EVENTS = ("open", "os.listdir", "os.scandir", "os.chdir", "subprocess.Popen", "socket.connect")


class Opened:
    """What this process opens while it is watched."""

    def __init__(self) -> None:
        self._watching = False
        self.events: list[str] = []
        sys.addaudithook(self._note)  # for the life of the process

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watching and event in EVENTS:
            self.events.append(f"{event}{arguments}")

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._watching = True
        try:
            yield
        finally:
            self._watching = False


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened()


def requests(name: str, house: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests with ``name`` wherever it can be written."""
    post: dict[str, Any] = {"path": PREDICT, "method": "POST"}
    for field in [*house, *FIELDS]:
        yield {**post, "json": {**house, field: name}}
        yield {**post, "json": {"inputs": [house], field: name}}
    for body in (name, [name], {"inputs": name}, {name: name}, {"inputs": [{name: name}]}):
        yield {**post, "json": body}
    for header in HEADERS:
        yield {**post, "json": house, "headers": {header: name}}
        yield {"path": "/version", "headers": {header: name}}
    for path in ("/version", "/ready", "/v1/regression-model/schema", "/openapi.json", "/docs"):
        yield {"path": path, "query_string": dict.fromkeys(FIELDS, name)}
    for folder in ("", "static", "docs", "v1/regression-model", "v1/regression-model/schema"):
        yield {"environ_overrides": {"PATH_INFO": f"/{folder}/{name}"}}
    yield {**post, "data": {"file": (io.BytesIO(b"{}"), name)}}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "ML_API_TRUSTED_PROXIES": "1",
            "ML_API_CORS_ORIGINS": "https://app.example.com",
            "ML_API_RATE_LIMIT": "100000/second",
        },
    ],
    ids=["default", "switched on"],
)
def test_no_request_makes_it_open_a_file(
    make_app: MakeApp,
    houses: list[dict[str, Any]],
    tmp_path: Path,
    opened: Opened,
    settings: dict[str, str],
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(f'[{{"token": "{CONTENT}"}}]')
    names = [str(secret), secret.as_uri(), f"../../../../../../../..{secret}", f"@{secret}"]
    client = make_app(**settings).test_client()
    statuses = []
    for _ in range(2):
        opened.events.clear()  # the first time, libraries may read files of their own
        for name in names:
            for request in requests(name, houses[0]):
                with opened.watched():
                    answer = client.open(**request)
                    text = answer.text
                statuses.append(answer.status_code)
                assert CONTENT not in text
        assert [event for event in opened.events if secret.name in event] == []

    assert opened.events == []
    assert {200, 404, 415, 422} <= set(statuses)
    assert max(statuses) < 500


def test_what_watches_would_see_an_opened_file(tmp_path: Path, opened: Opened) -> None:
    opened.events.clear()
    with opened.watched():
        (tmp_path / "seen").write_text("")

    assert "seen" in str(opened.events)
