"""No path, however odd, gives a 5xx, a redirect, or a price without a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from ml_api.guards.keys import new_key
from reliability.service import Service, running

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
Serve = Callable[..., Any]

PREDICT = ("/v1/regression-model/predict", "/v1/predict")
ROUTES = (
    *PREDICT,
    *("/health", "/ready", "/version", "/metrics", "/v1/regression-model/schema"),
    *("/openapi.json", "/docs", "/docs/docs.css", "/docs/nothing", ""),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "post")
PIECES = (
    *("/", "//", "v1", "predict", "regression-model", "docs", "health", "evil.example", "http:"),
    *(".", "..", "*", ";", "?", "#", "|", "@", ":", "\\", "%2f", "%00", "\0", "\r\n", "\xff", " "),
)


def joined(pieces: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(pieces, max_size=6).map("".join)


# As WSGI has them: the bytes of a path, decoded, as characters of latin-1.
LATIN_1 = st.text(st.characters(max_codepoint=255), max_size=5)
paths = st.builds(
    "{}{}{}".format,
    joined(st.sampled_from(PIECES)),
    st.sampled_from(ROUTES),
    joined(st.sampled_from(PIECES) | LATIN_1),
)


def ask(app: Flask, method: str, path: str, **request: Any) -> TestResponse:
    asked = {"REQUEST_METHOD": method, "PATH_INFO": path}
    return app.test_client().open(environ_overrides=asked, **request)


@pytest.mark.parametrize("path", PREDICT)
@pytest.mark.parametrize("before", ["/", "//", "///////"])
def test_slashes_at_the_beginning_are_one(
    app: Flask, houses: list[dict[str, Any]], log_lines: LogLines, before: str, path: str
) -> None:
    expected = ask(app, "POST", path, json=houses).data

    answer = ask(app, "POST", before + path, json=houses)

    assert (answer.status_code, answer.data) == (200, expected)
    assert len(log_lines("predict.output")) == 2
    counted = ask(app, "GET", "/metrics").text
    assert before + path not in counted


@given(paths, st.sampled_from(METHODS))
@example("//v1/predict", "POST")
@example("v1/predict", "POST")
@example("/v1/predict", "post")
@example("//evil.example/..", "GET")
def test_no_path_fails_or_leads_elsewhere(app: Flask, path: str, method: str) -> None:
    answer = ask(app, method, path)

    assert answer.status_code < 500
    assert answer.status_code // 100 != 3
    assert answer.location is None
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.headers["X-Request-ID"]
        if method != "HEAD":
            assert json.loads(answer.data)["status"] == answer.status_code


@pytest.fixture(scope="module")
def guarded(make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(new_key("valuer")[1])
    return make_app(ML_API_KEYS_FILE=str(file))


@given(paths, st.sampled_from(["POST", "post"]))
@example("//v1/predict", "POST")
@example("/docs/../v1/predict", "POST")
@example("/health//v1/predict", "POST")
def test_no_path_gives_a_price_without_a_key(guarded: Flask, path: str, method: str) -> None:
    assert ask(guarded, method, path, json={}).status_code in (401, 404, 405)


@pytest.mark.parametrize(
    ("path", "status"), [("//health", 200), ("//docs", 200), ("//version", 401), ("//x", 401)]
)
def test_a_guard_sees_the_path_that_is_answered(guarded: Flask, path: str, status: int) -> None:
    assert ask(guarded, "GET", path).status_code == status


# The real server


@pytest.fixture(scope="module")
def server(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service where gunicorn believes the addresses of all clients, as some platforms set."""
    with running(artifact, tmp_path_factory.mktemp("paths"), FORWARDED_ALLOW_IPS="*") as service:
        yield service


def send(server: Service, line: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request line as it stands; status and body of the answer, which does not redirect."""
    fields = ["Host: h", "Connection: close", *headers]
    if body:
        fields += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    raw = "\r\n".join([f"{line} HTTP/1.1", *fields, "", ""]).encode("latin-1") + body
    head, _, content = server.send(raw).partition(b"\r\n\r\n")
    assert b"\nlocation:" not in head.lower()
    return int(head.split()[1]), content


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/v1/predict", 200),
        ("//v1/predict", 200),
        ("///v1/regression-model/predict?a=b#c", 200),
        ("/%2Fv1/predict", 200),
        ("http://other.example//v1/predict", 200),
        ("v1/predict?://", 200),
        ("/v1//predict", 404),
        ("/v1/predict/", 404),
        ("/v1/predict;x", 404),
        ("/v1/predict%00", 404),
        ("/v1/../v1/predict", 404),
        ("/%2e%2e/v1/predict", 404),
        ("//evil.example/v1/predict", 404),
        ("/\\evil.example/v1/predict", 404),
        ("/%ff%fe", 404),
        ("http://other.example", 404),
        ("/" + "a" * 4000, 404),
        ("/" + "a" * 9000, 414),
        ("v1/predict", 400),
        ("*", 400),
        ("", 400),
        ("/v1/\xff", 400),
        ("http://[/v1/predict", 400),
    ],
)
def test_the_server_passes_on_no_target_that_fails(
    server: Service, houses: list[dict[str, Any]], target: str, status: int
) -> None:
    body = json.dumps(houses[0]).encode()

    answered, content = send(server, f"POST {target}", body=body)

    assert answered == status
    # Of the rest gunicorn has said, before the service sees it, that it is no request.
    if status in (200, 404):
        assert json.loads(content).get("status", 200) == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("OPTIONS *", 404),
        ("OPTIONS //v1/predict", 200),
        ("CONNECT other.example:80", 404),
        ("CONNECT v1/predict", 405),
        ("TRACE /health", 405),
        ("BREW //v1/predict", 405),
        ("post /v1/predict", 400),
        *[(f"HEAD {path or '/'}", 405 if path in PREDICT else 200) for path in ROUTES[:-2]],
    ],
)
def test_the_server_passes_on_no_method_that_fails(server: Service, line: str, status: int) -> None:
    assert send(server, line)[0] == status


@pytest.mark.parametrize(
    "header",
    [
        *("SCRIPT_NAME: /x", "SCRIPT_NAME: /v1", "SCRIPT-NAME: /x", "PATH_INFO: /x"),
        *("PATH-INFO: /x", "REMOTE_ADDR: 192.0.2.1", "X_FORWARDED_PROTO: https"),
        *("X-Forwarded-Proto: https", "X-Forwarded-Protocol: ssl", "X-Forwarded-Ssl: on"),
        *("X-Forwarded-Prefix: /x", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1"),
        *("Forwarded: host=evil.example;proto=https", "X-HTTP-Method-Override: DELETE"),
        *("X-Original-URL: /x", "X-Rewrite-URL: /x"),
    ],
)
def test_no_forwarded_header_is_believed(
    server: Service, houses: list[dict[str, Any]], header: str
) -> None:
    """Path, method, scheme and host stay those of the request, though it comes from loopback."""
    body = json.dumps(houses[0]).encode()
    page = send(server, "GET /docs")

    assert b"http://h/v1/" in page[1]
    assert send(server, "GET /docs", header) == page
    assert send(server, "POST /v1/predict", header, body=body)[0] == 200


def test_headers_that_contradict_each_other_are_not_looked_at(server: Service) -> None:
    given = ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")

    assert send(server, "GET /health", *given) == (200, b"ok")


def test_an_underscore_makes_nobody_another_client(serve: Serve) -> None:
    with serve(ML_API_TRUSTED_PROXIES="1", ML_API_RATE_LIMIT="1/hour") as server:
        found = [
            send(server, "GET /version", "X-Forwarded-For: 192.0.2.1", *more)[0]
            for more in ([], ["X_FORWARDED_FOR: 192.0.2.2"], ["X_Forwarded-For: 192.0.2.3"])
        ]

    assert found == [200, 429, 429]


def test_the_command_line_may_name_a_header_to_believe(serve: Serve) -> None:
    with serve(GUNICORN_CMD_ARGS="--forwarder-headers SCRIPT_NAME") as server:
        assert send(server, "GET /x/health", "SCRIPT_NAME: /x") == (200, b"ok")
