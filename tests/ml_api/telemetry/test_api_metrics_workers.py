"""Under the real server, what is counted is what clients saw, whatever becomes of the workers."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_text

Serve = Callable[..., Any]

PREDICT = "/v1/predict"
JSON = {"Content-Type": "application/json"}


def scrape(server: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    status, content = server.ask("GET", "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(content.decode())
        for sample in family.samples
    }


def prices_given(server: Any) -> float:
    return scrape(server).get(("ml_api_requests_total", (PREDICT, "200")), 0)


class Load:
    """Clients that ask for prices until they are stopped, and what became of each request."""

    def __init__(self, server: Any, house: dict[str, Any], clients: int = 4) -> None:
        self.seen: Counter[int | None] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._server, self._body = server, json.dumps(house)
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            connection = HTTPConnection("127.0.0.1", self._server.port, timeout=30)
            status: int | None = None
            try:
                connection.request("POST", PREDICT, self._body, JSON)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                time.sleep(0.01)
            finally:
                connection.close()
            with self._lock:
                self.seen[status] += 1


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def test_recycled_workers_lose_no_count_and_leave_no_gauge(
    serve: Serve, houses: list[dict[str, Any]]
) -> None:
    recycling = "--max-requests 20 --max-requests-jitter 5"
    with serve(WEB_CONCURRENCY="2", GUNICORN_CMD_ARGS=recycling) as server:
        with Load(server, houses[0]) as load:
            wait_for(lambda: server.stderr.read_text().count("Booting worker") >= 12, 120)
        found = scrape(server)

        assert set(load.seen) == {200}
        assert found["ml_api_requests_total", (PREDICT, "200")] == load.seen[200]
        assert found["ml_api_request_duration_seconds_count", (PREDICT,)] == load.seen[200]
        assert found["ml_api_rows_total", ("priced",)] == load.seen[200]
        assert found["ml_api_worker_starts_total", ()] >= 10
        # No trace of those who went: only workers that live have gauges.
        gauges = [key for key in found if key[0] == "ml_api_worker_resident_memory_bytes"]
        assert len(gauges) == found["ml_api_workers", ()] <= 4


def test_killed_workers_lose_at_most_what_they_had_in_hand(
    serve: Serve, houses: list[dict[str, Any]]
) -> None:
    with serve(WEB_CONCURRENCY="2") as server:
        with Load(server, houses[0]) as load:
            for killed in range(1, 6):
                wait_for(lambda n=killed: load.seen[200] > 40 * n)
                os.kill(children(server.process.pid)[0], signal.SIGKILL)
        counted = prices_given(server)

        # A worker that dies between counting and sending has counted an answer nobody saw.
        assert load.seen[200] <= counted <= load.seen[200] + load.seen[None]
        assert load.seen[None] <= 5 * 4


def test_a_reload_goes_on_counting(serve: Serve, houses: list[dict[str, Any]]) -> None:
    with serve(WEB_CONCURRENCY="2") as server:
        with Load(server, houses[0]) as load:
            for _ in range(3):
                before = set(children(server.process.pid))
                server.process.send_signal(signal.SIGHUP)
                wait_for(lambda old=before: not old & set(children(server.process.pid)))

        assert set(load.seen) == {200}
        assert prices_given(server) == load.seen[200]


def test_a_binary_upgrade_goes_on_counting(
    serve: Serve, houses: list[dict[str, Any]], tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    with serve(GUNICORN_CMD_ARGS=f"--pid {pid_file}") as server:
        with Load(server, houses[0], clients=2) as load:
            wait_for(lambda: load.seen[200] > 20)
            server.process.send_signal(signal.SIGUSR2)
            wait_for(lambda: server.stderr.read_text().count("Booting worker") == 2)
            before = load.seen[200]
            wait_for(lambda: load.seen[200] > before + 50)
            server.process.terminate()
            assert server.process.wait(timeout=30) == 0
            before = load.seen[200]
            wait_for(lambda: load.seen[200] > before + 20)
            wait_for(pid_file.exists)  # the new master has taken it over
        try:
            assert prices_given(server) == load.seen[200]
        finally:
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
            wait_for(lambda: not pid_file.exists())


def test_every_worker_answers_for_all(serve: Serve, houses: list[dict[str, Any]]) -> None:
    with serve(WEB_CONCURRENCY="3") as server:
        wait_for(lambda: len(server.log("model.loaded")) == 3)
        for k in range(30):
            server.ask("POST", PREDICT, body=json.dumps(houses[k]), headers=JSON)
        scrapes = [scrape(server) for _ in range(12)]

        assert {found["ml_api_requests_total", (PREDICT, "200")] for found in scrapes} == {30}
        models = [key[1][-1] for key in scrapes[-1] if key[0] == "ml_api_model_info"]
        assert sorted(models) == ["0", "1", "2"]


def test_nothing_is_left_behind_by_a_killed_server(serve: Serve) -> None:
    places = [Path("/dev/shm"), Path("/tmp")]  # noqa: S108  # where it might be
    with serve() as server:
        assert server.ask("GET", "/metrics")[0] == 200

        assert [path for place in places for path in place.glob("ml-api-counters*")] == []


@pytest.mark.parametrize("descriptor", ["", "0", "garbage", "999"])
def test_a_left_over_descriptor_is_no_harm(serve: Serve, descriptor: str) -> None:
    with serve(ML_API_COUNTERS=descriptor, WEB_CONCURRENCY="2") as server:
        server.ask("GET", "/health")
        found = scrape(server)

        assert found["ml_api_requests_total", ("/health", "200")] >= 2
        assert server.log("metrics.not_shared") == []
