"""Under the real server, what is counted is what clients saw, whatever becomes of the workers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_text

from reliability.models import priced
from reliability.service import Service
from tools.measuring.load import Load
from tools.measuring.local_server import JSON, PREDICT

pytestmark = pytest.mark.process
Serve = Callable[..., AbstractContextManager[Service]]


def scrape(server: Service) -> dict[tuple[str, tuple[str, ...]], float]:
    status, content = server.ask("GET", "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(content.decode())
        for sample in family.samples
    }


def prices_given(server: Service) -> float:
    return scrape(server).get(("ml_api_requests_total", (PREDICT, "200")), 0)


@pytest.fixture(scope="module")
def ask_for_prices(artifact: Path) -> Callable[..., Load]:
    """Clients that ask a service for prices, each request on a connection of its own."""
    model = priced(artifact)

    def load(server: Service, clients: int = 4) -> Load:
        keeping = [False] * clients
        return Load(server.port, model.houses, model.by_version, keeping=keeping)

    return load


def test_killed_workers_lose_at_most_what_they_had_in_hand(
    serve: Serve, ask_for_prices: Callable[..., Load]
) -> None:
    with serve(WEB_CONCURRENCY="2") as server:
        with ask_for_prices(server) as load:
            for _ in range(5):
                load.wait_for(40)
                min(server.workers().values(), key=lambda worker: worker.pid).kill()
        counted, lost = prices_given(server), len(load.answers.failures)

        # A worker that dies between counting and sending has counted an answer nobody saw.
        assert load.answers.asked - lost <= counted <= load.answers.asked
        assert lost <= 5 * 4


def test_a_reload_goes_on_counting(serve: Serve, ask_for_prices: Callable[..., Load]) -> None:
    with serve(WEB_CONCURRENCY="2") as server:
        with ask_for_prices(server) as load:
            for _ in range(3):
                server.reload()

        assert load.answers.faults() == []
        assert prices_given(server) == load.answers.asked


def test_a_binary_upgrade_goes_on_counting(
    serve: Serve, ask_for_prices: Callable[..., Load], tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    with serve(GUNICORN_CMD_ARGS=f"--pid {pid_file}") as server:
        with ask_for_prices(server, clients=2) as load:
            load.wait_for(20)
            server.process.send_signal(signal.SIGUSR2)
            server.wait_until(lambda: server.stderr.read_text().count("Booting worker") == 2)
            load.wait_for(50)
            assert server.stop() == 0
            load.wait_for(20)
            server.wait_until(pid_file.exists)  # the new master has taken it over
        try:
            assert load.answers.faults() == []
            assert prices_given(server) == load.answers.asked
        finally:
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
            server.wait_until(lambda: not pid_file.exists())


def test_every_worker_answers_for_all(serve: Serve, houses: list[dict[str, Any]]) -> None:
    with serve(WEB_CONCURRENCY="3") as server:
        server.wait_until(lambda: len(server.log("model.loaded")) == 3)
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
