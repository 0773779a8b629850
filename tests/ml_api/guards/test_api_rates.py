"""A client gets the requests it may have: no fewer, and over all workers no more."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from ml_api.guards import rate_guard
from ml_api.guards.keys import new_key

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
Serve = Callable[..., Any]

ADDRESS = os.environ.get("REGRESSION_MODEL_TEST_REDIS", "redis://127.0.0.1:6379/15")


@pytest.fixture
def store() -> Iterator[str]:
    """A Redis without counts of this service, before and afterwards."""
    import redis

    client = redis.Redis.from_url(ADDRESS, socket_connect_timeout=1)

    def clear() -> None:
        for name in client.scan_iter("regression-model:*"):
            client.delete(name)

    try:
        clear()
    except redis.RedisError as error:
        pytest.skip(f"no Redis answers at {ADDRESS} (REGRESSION_MODEL_TEST_REDIS): {error}")
    yield ADDRESS
    clear()
    client.close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a store that is not there: bound, so that nobody takes it, and not listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"redis://:hidden@127.0.0.1:{taken.getsockname()[1]}/0"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a store that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def ask(app: Flask, address: str = "192.0.2.1", **headers: str) -> TestResponse:
    return app.test_client().get(
        "/version", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


def statuses(app: Flask, count: int, address: str = "192.0.2.1", **headers: str) -> list[int]:
    return [ask(app, address, **headers).status_code for _ in range(count)]


def test_a_client_beyond_its_rate_is_told_when_to_come_back(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="3/minute")

    assert statuses(app, 4) == [200, 200, 200, 429]
    answer = ask(app)

    assert answer.content_type == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Policy"] == '"default";q=3;w=60'
    assert answer.headers["RateLimit"] == f'"default";r=0;t={answer.headers["Retry-After"]}'
    assert "3/minute" in json.loads(answer.data)["detail"]


def test_the_next_request_is_admitted_when_it_was_promised(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="2/second")
    assert 429 in statuses(app, 20)

    time.sleep(int(ask(app).headers["Retry-After"]))

    assert ask(app).status_code == 200


def test_open_paths_and_preflights_are_not_counted(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="1/hour")
    client = app.test_client()
    for _ in range(5):
        assert client.get("/health").status_code == client.get("/ready").status_code == 200
        assert client.options("/v1/predict").status_code == 200

    assert statuses(app, 2) == [200, 429]


def test_predictions_and_unknown_paths_are_counted_with_the_rest(
    make_app: MakeApp, houses: list[dict[str, Any]]
) -> None:
    client = make_app(ML_API_RATE_LIMIT="2/hour").test_client()

    assert client.post("/v1/predict", json=houses).status_code == 200
    assert client.get("/nothing").status_code == 404
    assert client.post("/v1/predict", json=houses).status_code == 429
    assert client.get("/nothing").status_code == 429


def test_addresses_are_counted_apart_and_networks_of_version_6_together(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="1/hour")
    first = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1", ""]
    same = ["::ffff:192.0.2.1", "192.0.2.2", "2001:db8:0:1:ffff::2", "2001:db8:0:2::2", ""]

    assert [ask(app, address).status_code for address in first] == [200] * 5
    assert [ask(app, address).status_code for address in same] == [429] * 5


def test_keys_are_counted_by_name_wherever_they_come_from(
    make_app: MakeApp, tmp_path: Path
) -> None:
    (one, line), (other, another) = new_key("one"), new_key("192.0.2.1")
    (tmp_path / "keys").write_text(line + another)
    app = make_app(ML_API_RATE_LIMIT="1/hour", ML_API_KEYS_FILE=str(tmp_path / "keys"))

    found = [
        ask(app, address, **{"X-API-Key": key}).status_code
        for key, address in ((one, "192.0.2.1"), (one, "192.0.2.2"), (other, "192.0.2.1"))
    ]

    assert found == [200, 429, 200]


def test_a_header_makes_nobody_another_client(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="1/hour")

    found = [
        ask(app, **{name: f"203.0.113.{number}"}).status_code
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Request-ID")
        for number in range(2)
    ]

    assert found == [200] + [429] * 7


def test_behind_a_trusted_proxy_the_client_is_the_one_the_proxy_saw(make_app: MakeApp) -> None:
    app = make_app(ML_API_RATE_LIMIT="1/hour", ML_API_TRUSTED_PROXIES="1")

    found = [
        ask(app, **{"X-Forwarded-For": chain}).status_code
        for chain in ("203.0.113.1", "203.0.113.2", "198.51.100.7, 203.0.113.1")
    ]

    assert found == [200, 200, 429]


@pytest.mark.parametrize("address", ["nobody", "silent"])
@pytest.mark.parametrize(("failure", "expected"), [("open", 200), ("closed", 503)])
def test_without_its_store_it_does_what_was_chosen(
    make_app: MakeApp,
    request: pytest.FixtureRequest,
    log_lines: LogLines,
    address: str,
    failure: str,
    expected: int,
) -> None:
    app = make_app(
        ML_API_RATE_LIMIT="1/hour",
        ML_API_RATE_LIMIT_STORE=request.getfixturevalue(address),
        ML_API_RATE_LIMIT_FAILURE=failure,
    )
    ask(app).close()  # the model is loaded
    started = time.monotonic()

    answers = [ask(app) for _ in range(20)]

    assert time.monotonic() - started < 2  # no request waits for what has just failed
    assert {answer.status_code for answer in answers} == {expected}
    (line,) = log_lines("rate_limit.store_unavailable")
    assert line["admitted"] is (failure == "open")
    assert "hidden" not in json.dumps(line)
    if expected == 503:
        assert answers[0].headers["Retry-After"] == str(rate_guard.PAUSE_SECONDS)
        assert "127.0.0.1" not in answers[0].text


def test_it_counts_again_once_the_store_is_back(
    make_app: MakeApp, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_guard, "PAUSE_SECONDS", 0)
    target = urlsplit(store)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        relayed = target._replace(netloc=f"127.0.0.1:{listening.getsockname()[1]}").geturl()
        app = make_app(ML_API_RATE_LIMIT="2/hour", ML_API_RATE_LIMIT_STORE=relayed)
        assert statuses(app, 3) == [200] * 3  # not one of them counted

        listening.listen()
        address = (target.hostname or "127.0.0.1", target.port or 6379)
        threading.Thread(target=relay_one, args=(listening, address), daemon=True).start()

        assert statuses(app, 3) == [200, 200, 429]


def relay_one(listening: socket.socket, address: tuple[str, int]) -> None:
    """Join the next connection to the one at ``address``."""
    near, _ = listening.accept()
    far = socket.create_connection(address)
    threading.Thread(target=pump, args=(far, near), daemon=True).start()
    pump(near, far)


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source, target:
        while piece := source.recv(65536):
            target.sendall(piece)


@pytest.mark.process
def test_two_workers_count_together_also_after_a_reload(serve: Serve, store: str) -> None:
    with serve(
        WEB_CONCURRENCY="2", ML_API_RATE_LIMIT="10/minute", ML_API_RATE_LIMIT_STORE=store
    ) as server:
        before = [server.ask("GET", "/version")[0] for _ in range(6)]
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.stderr.read_text().count("Booting worker") == 4)
        server.wait_until(lambda: server.stderr.read_text().count("Worker exiting") == 2)
        after = [server.ask("GET", "/version")[0] for _ in range(20)]

    assert before == [200] * 6
    assert after == [200] * 4 + [429] * 16


def test_stores_are_shared_by_name_only(make_app: MakeApp, store: str) -> None:
    settings = {"ML_API_RATE_LIMIT": "1/hour", "ML_API_RATE_LIMIT_STORE": store}
    address = f"unseen-{secrets.token_hex(4)}"

    assert [ask(make_app(**settings), address).status_code for _ in range(2)] == [200, 429]
