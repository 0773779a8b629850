"""No server, whatever it does, loses a training or holds it up."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.artifact import open_artifact

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours

Call = Callable[..., Result]
COMMAND = [sys.executable, "-P", "-m", "regression_model"]
GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{]nope}"


@pytest.fixture
def listening() -> Iterator[Callable[[bytes | None], str]]:
    """A server that gives one answer to everything, or none at all, at the address returned."""
    sockets: list[socket.socket] = []

    def serve(answer: bytes | None) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                sockets.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for one in sockets:
        one.close()


def test_a_server_that_is_down_is_said(
    run: Call, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    done = run("track", artifact, "--uri", "http://127.0.0.1:1")

    assert done.exit_code == 2
    assert (
        "MLflow at http://127.0.0.1:1 did not take the run: Failed to establish a new connection: "
        in (done.stderr)
    )


def test_a_server_that_hangs_is_given_up(
    run: Call,
    artifact: Path,
    listening: Callable[[bytes | None], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")

    done = run("track", artifact, "--uri", listening(None))

    assert done.exit_code == 2
    assert "did not take the run: Read timed out. (read timeout=1)" in done.stderr


def test_a_server_that_answers_garbage_is_said(
    run: Call, artifact: Path, listening: Callable[[bytes | None], str]
) -> None:
    done = run("track", artifact, "--uri", listening(GARBAGE))

    assert done.exit_code == 2
    assert "did not take the run" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def train(
    data: Path, config: Path, environment: dict[str, str], *options: str
) -> subprocess.Popen[str]:
    command = [*COMMAND, "train", "--data", str(data), "--config", str(config)]
    return subprocess.Popen(
        [*command, "--output", "models", "--json", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def data(tmp_path: Path, run: Call) -> Path:
    path = tmp_path / "train.csv"
    run("sample", 200, "--output", path)
    return path


@pytest.mark.conformance
@pytest.mark.process
def test_a_hanging_server_holds_a_training_up_no_longer_than_allowed(
    data: Path, small_config: Path, listening: Callable[[bytes | None], str]
) -> None:
    environment = {
        "MLFLOW_TRACKING_URI": listening(None),
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "3600",
        "REGRESSION_MODEL_TRACKING_TIMEOUT": "3",
    }

    training = train(data, small_config, environment)
    out, err = training.communicate(timeout=300)

    told = json.loads(out)
    assert training.returncode == 0, err
    assert open_artifact("models").folder == Path(told["artifact"])
    assert "did not take the run within 3 seconds" in told["tracking"]["error"]
    assert told["tracking"]["later"].startswith(f"regression-model track {told['artifact']}")
    assert "not tracked: MLflow at" in err
    assert "Nothing is lost; record it later with: regression-model track" in err


@pytest.mark.conformance
@pytest.mark.process
def test_a_server_that_is_killed_while_it_takes_a_training_loses_nothing(
    data: Path, small_config: Path, server: Any, client_of: Callable[[str], Any]
) -> None:
    server.start()
    environment = {"MLFLOW_TRACKING_URI": server.uri}
    training = train(data, small_config, environment)
    wait_for_a_run(server, client_of)
    server.kill()

    out, err = training.communicate(timeout=300)

    told = json.loads(out)
    assert training.returncode == 0, err
    assert open_artifact("models").verify()[1] == []
    assert "did not take the run" in told["tracking"]["error"]
    (begun,) = runs_of(server, client_of)
    assert begun.info.status == "RUNNING"

    server.start()
    later = subprocess.run(
        [*COMMAND, *shlex.split(told["tracking"]["later"])[1:], "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    recorded = json.loads(later.stdout)
    runs = runs_of(server, client_of)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert begun.info.run_id not in {run.info.run_id for run in runs}
    assert len(runs) == 1 + 2  # folds
    assert recorded["url"].startswith(f"{server.uri}/#/experiments/")


def runs_of(server: Any, client_of: Callable[[str], Any]) -> list[Any]:
    """As the database has them, which answers when the server is down, too."""
    client = client_of(server.database)
    experiment = client.get_experiment_by_name("regression-model")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def wait_for_a_run(server: Any, client_of: Callable[[str], Any]) -> None:
    until = time.monotonic() + 300
    while not runs_of(server, client_of):
        if time.monotonic() > until:
            raise TimeoutError("no run was begun")
        time.sleep(0.05)


@pytest.mark.conformance
@pytest.mark.process
def test_a_tracked_training_measures_the_machine_and_saves_the_same_model(
    data: Path, small_config: Path, client_of: Callable[[str], Any]
) -> None:
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    tracked = train(data, small_config, epoch, "--track")
    out, err = tracked.communicate(timeout=300)
    assert tracked.returncode == 0, err
    told = json.loads(out)
    untracked = train(data, small_config, {**epoch, "PYTHONPROFILEIMPORTTIME": "1"})
    plain, imported = untracked.communicate(timeout=300)

    assert json.loads(plain)["artifact"] == told["artifact"]  # the name holds its digest
    assert "tracking" not in json.loads(plain)
    assert "sklearn" in imported
    assert "mlflow" not in imported.replace(str(Path.cwd()), "")
    assert "regression_model.tracking.subprocess_tracking" not in imported
    found = client_of(f"sqlite:///{Path.cwd() / 'mlflow.db'}").get_run(told["tracking"]["run_id"])
    assert found.data.metrics["system/process_memory_mebibytes"] > 50
    assert found.info.end_time > found.info.start_time
