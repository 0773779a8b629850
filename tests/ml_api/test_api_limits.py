"""What a request may cost: rows, nesting, memory, and the time its body takes to arrive."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_api.body import discard_rest
from reliability.slow_clients import dribbling

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
Serve = Callable[..., Any]

PREDICT = "/v1/regression-model/predict"
JSON = "application/json"
MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"inputs": rows}])
def test_more_rows_than_the_limit_are_refused_with_a_remedy(
    make_app: MakeApp, houses: list[dict[str, Any]], wrap: Callable[[Any], Any], log_lines: LogLines
) -> None:
    client = make_app(ML_API_MAX_ROWS="3").test_client()

    assert client.post(PREDICT, json=wrap(houses[:3])).status_code == 200
    answer = client.post(PREDICT, json=wrap(houses[:4]))

    assert answer.status_code == 413
    detail = json.loads(answer.data)["detail"]
    assert "3 houses" in detail
    assert "ML_API_MAX_ROWS" in detail
    assert "regression-model predict" in detail
    assert log_lines("predict.input")[-1]["rows"] == 4


@pytest.mark.parametrize("item", [b"{}", b"[]", b'{"a":{}}', b"1"])
def test_rows_without_end_are_refused(client: FlaskClient, item: bytes) -> None:
    body = b"[" + b",".join([item] * (6 * MEBIBYTE // (len(item) + 1))) + b"]"

    answer = client.post(PREDICT, data=body, content_type=JSON)

    assert answer.status_code == 413
    assert "20000 houses" in json.loads(answer.data)["detail"]


def test_a_large_body_of_few_rows_is_read(make_app: MakeApp, houses: list[dict[str, Any]]) -> None:
    body = json.dumps(houses[:2]).encode() + b" " * 6 * MEBIBYTE
    client = make_app(ML_API_MAX_ROWS="2").test_client()

    assert client.post(PREDICT, data=body, content_type=JSON).status_code == 200


@pytest.mark.parametrize("depth", [201, 1_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"inputs":['])
def test_deep_nesting_is_refused(client: FlaskClient, opening: str, depth: int) -> None:
    closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")

    for body in (opening * depth, opening * depth + "1" + closing * depth):
        answer = client.post(PREDICT, data=body, content_type=JSON)

        assert answer.status_code == 400
        assert "JSON" in json.loads(answer.data)["detail"]


def head(*lines: str) -> bytes:
    fields = ["Host: h", "Content-Type: application/json", *lines]
    return "\r\n".join([f"POST {PREDICT} HTTP/1.1", *fields, "", ""]).encode()


def whole_answer(connection: socket.socket) -> bytes:
    """Head and body, which may come one after the other; the body is JSON's."""
    answer = b""
    while not answer.endswith(b"}"):
        piece = connection.recv(65536)
        assert piece, f"the connection was closed after {answer!r}"
        answer += piece
    return answer


@pytest.mark.parametrize(
    "request_head",
    [head("Content-Length: 1000000"), head("Transfer-Encoding: chunked") + b"fffff\r\n"],
    ids=["length", "chunked"],
)
def test_a_body_that_dribbles_in_is_refused_in_time(serve: Serve, request_head: bytes) -> None:
    with serve(ML_API_BODY_SECONDS="1", ML_API_THREADS="1") as server:
        started = time.monotonic()
        with dribbling(server.port, request_head) as connection:
            answer = whole_answer(connection)
            taken = time.monotonic() - started
            # The one thread is free again, although the client goes on.
            assert server.ask("GET", "/health") == (200, b"ok")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"1 seconds" in answer
    assert 1 <= taken < 4
    assert server.log("request.refused")[0]["status"] == 408


class Flood:
    """The body of a client that never stops sending, as the WSGI server hands it out."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def read(self, size: int) -> bytes:
        # Not for ever, so that a test that fails ends.
        return b" " * size if time.monotonic() < self.began + 20 else b""


def test_a_client_that_never_stops_sending_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_api.body.DISCARD_SECONDS", 0.1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        flood = Flood()

        discard_rest({"gunicorn.socket": ours, "wsgi.input": flood})

        assert time.monotonic() < flood.began + 20


def test_a_body_that_no_route_reads_leaves_the_connection_open(serve: Serve) -> None:
    request = b"GET /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"
    with (
        serve() as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        for _ in range(3):
            connection.sendall(request + b" " * 100_000)
            assert whole_answer(connection).startswith(b"HTTP/1.1 404 ")


def test_a_body_in_time_leaves_the_connection_open(
    serve: Serve, houses: list[dict[str, Any]]
) -> None:
    body = json.dumps(houses[0]).encode()
    with (
        serve(ML_API_BODY_SECONDS="1") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        for _ in range(3):
            connection.sendall(head(f"Content-Length: {len(body)}") + body[:100])
            time.sleep(0.3)
            connection.sendall(body[100:])
            assert whole_answer(connection).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.7)  # three times the second, in all


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
@pytest.mark.parametrize("size", [32 * MEBIBYTE + 1, 128 * MEBIBYTE])
def test_a_body_over_the_limit_takes_less_memory_than_the_limit(
    serve: Serve, houses: list[dict[str, Any]], size: int, chunked: bool
) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, size, MEBIBYTE):
            yield b" " * min(MEBIBYTE, size - start)

    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    headers = {"Content-Type": JSON, **framing}
    with serve() as server:
        body = json.dumps(houses)
        assert server.ask("POST", PREDICT, body=body, headers={"Content-Type": JSON})[0] == 200
        (worker,) = server.workers()
        before = memory(worker, "VmRSS")
        Path(f"/proc/{worker}/clear_refs").write_text("5")  # the peak counts from here

        answers = [
            server.ask("POST", PREDICT, body=pieces(), headers=headers, encode_chunked=chunked)
            for _ in range(6)
        ]

        assert [status for status, _ in answers] == [413] * 6
        assert memory(worker, "VmHWM") - before < 32 * MEBIBYTE
        assert memory(worker, "VmRSS") - before < 12 * MEBIBYTE


def memory(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    (kibibytes,) = re.findall(rf"^{name}:\s+(\d+) kB", text, re.M)
    return int(kibibytes) * 1024
