"""A service that follows a registry: what it serves, when, and what it does without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import pytest

from regression_model.artifact import open_artifact
from regression_model.artifact_folders import copy_artifact
from reliability.service import Service, running
from tools.measuring.local_server import JSON, PREDICT, wait_for

Serve = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def serve(following: Any, settings: dict[str, str], tmp_path: Path) -> Serve:
    """Run the real service under the process that follows; keywords are variables."""

    def run(*, every: int = 1, name: str = ".", **changes: str) -> AbstractContextManager[Service]:
        (tmp_path / name).mkdir(exist_ok=True)
        within = following(every=every)
        return running(None, tmp_path / name, within=within, **{**settings, **changes})

    return run


def origin(server: Service) -> str | None:
    status, content = server.ask("GET", "/version")
    return str(json.loads(content)["origin"]) if status == 200 else None


@contextmanager
def load(server: Service, body: str) -> Iterator[list[int]]:
    """Ask for prices all the time, but leave some to the pull; the statuses that came back."""
    statuses: list[int] = []
    enough = Event()

    def ask() -> None:
        while not enough.is_set():
            statuses.append(server.ask("POST", PREDICT, body=body, headers=JSON)[0])
            enough.wait(0.02)

    clients = [Thread(target=ask) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        yield statuses
    finally:
        enough.set()
        for client in clients:
            client.join()


def test_a_new_champion_is_served_without_a_request_lost_and_so_is_the_way_back(
    serve: Serve, registry: Any, houses: list[dict[str, Any]]
) -> None:
    first = registry.promote(3)
    with serve(WEB_CONCURRENCY="2") as server:
        assert origin(server) == first
        with load(server, json.dumps(houses[:2])) as statuses:
            for version in (4, 3):
                champion = registry.promote(version)
                server.wait_until(lambda wanted=champion: origin(server) == wanted)
                answered = len(statuses)
                server.wait_until(lambda seen=answered: len(statuses) > seen + 10)

        assert set(statuses) == {200}
        assert [line["origin"] for line in server.log("model.pulled")] == [
            f"models:/regression-model/{version}" for version in (3, 4, 3)
        ]
        assert server.log("model.loaded")[-1]["origin"] == first


def test_a_model_that_stays_asks_for_no_reload(serve: Serve, registry: Any) -> None:
    champion = registry.promote(3)
    with serve() as server:
        assert origin(server) == champion
        before = len(registry.asked())
        server.wait_until(lambda: len(registry.asked()) >= before + 3)

        assert len(server.log("model.pulled")) == 1
        assert server.stderr.read_text().count("Handling signal: hup") == 0


def test_another_version_of_the_same_artifact_is_told_apart(serve: Serve, registry: Any) -> None:
    registry.promote(3)
    with serve() as server:
        assert origin(server) == "models:/regression-model/3"
        (registry.folder / "4").symlink_to(registry.folder / "3")
        registry.promote(4)
        server.wait_until(lambda: origin(server) == "models:/regression-model/4")


def test_what_was_pulled_is_served_while_the_registry_is_down(serve: Serve, registry: Any) -> None:
    champion = registry.promote(3)
    with serve() as server:
        assert origin(server) == champion
    registry.fail("nobody answers")
    with serve() as server:
        assert server.ask("GET", "/ready")[0] == 200
        assert origin(server) == champion
        asked = len(registry.asked())
        server.wait_until(lambda: len(registry.asked()) >= asked + 2)
        (warning,) = server.log("model.last_good_served")
        assert (warning["level"], warning["origin"]) == ("WARNING", champion)
        assert warning["reason"].endswith("could not be asked for models: nobody answers")
        assert server.log("model.pull_failed") == []  # the reason is known

        second = registry.promote(4)
        registry.recover()
        server.wait_until(lambda: origin(server) == second)
        assert len(server.log("model.pull_recovered")) == 1


def damage(registry: Any) -> str:
    graph = registry.add(4) / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"!")
    return "model.onnx of artifact"


def move_golden_prices(registry: Any) -> str:
    def moved(golden: bytes) -> bytes:
        told = json.loads(golden)
        for one in told:
            one["prediction"] = one["prediction"] and one["prediction"] * 2
        return json.dumps(told).encode()

    registry.add(4, golden=moved)
    return "does not give its prices here"


@pytest.mark.parametrize("spoil", [damage, move_golden_prices])
def test_a_model_that_is_not_sound_is_refused_and_the_old_one_stays(
    serve: Serve, registry: Any, spoil: Callable[[Any], str]
) -> None:
    champion = registry.promote(3)
    with serve() as server:
        held = open_artifact(registry.pulled).folder
        reason = spoil(registry)
        registry.promote(4)
        server.wait_until(lambda: server.log("model.pull_failed"))

        assert reason in server.log("model.pull_failed")[0]["reason"]
        assert open_artifact(registry.pulled).folder == held
        assert origin(server) == champion
        assert server.stderr.read_text().count("Handling signal: hup") == 0


def test_sighup_asks_at_once_and_is_passed_on(serve: Serve, registry: Any) -> None:
    first = registry.promote(3)
    with serve(every=0) as server:
        assert origin(server) == first
        second = registry.promote(4)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: origin(server) == second)
        server.wait_until(lambda: server.stderr.read_text().count("Handling signal: hup") == 2)


@pytest.mark.conformance
def test_what_another_process_pulled_is_served_too(serve: Serve, registry: Any) -> None:
    """Two services share the folder while one takes over from the other."""
    first = registry.promote(3)
    with serve(name="one") as one, serve(name="other") as other:
        for server in (one, other):
            assert origin(server) == first
        second = registry.promote(4)
        for server in (one, other):
            server.wait_until(lambda server=server: origin(server) == second)


@pytest.mark.parametrize(
    "end",
    [
        signal.SIGTERM,
        *(
            pytest.param(end, marks=pytest.mark.conformance)
            for end in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        ),
    ],
)
def test_nothing_is_left_of_a_service_that_ends(
    serve: Serve, registry: Any, end: signal.Signals
) -> None:
    registry.promote(3)
    with serve() as server:
        assert server.ask("GET", "/ready")[0] == 200
        (registry.folder / "hang").touch()
        server.wait_until((registry.folder / "hanging").exists)
        family = psutil.Process(server.process.pid).children(recursive=True)
        pull = int((registry.folder / "hanging").read_text().split()[0])
        assert {"gunicorn"} <= {process.name() for process in family}
        assert pull in {process.pid for process in family}

        server.process.send_signal(end)

        ended = server.process.wait(timeout=30)
        assert ended == (-9 if end == signal.SIGKILL else 0)
        spared = "sleep" if end == signal.SIGKILL else ""  # the child of a child
        wait_for(lambda: not any(p.is_running() for p in family if name(p) != spared))


def name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def test_passwords_are_not_logged(serve: Serve, registry: Any) -> None:
    registry.promote(3)
    secrets = {"MLFLOW_TRACKING_TOKEN": "t0ken", "MLFLOW_TRACKING_PASSWORD": "hidden"}
    with serve(**secrets) as server:
        registry.fail("http://me:s3cret@registry:5000 refused t0ken, hidden: 401")
        server.wait_until(lambda: server.log("model.pull_failed"))
        told = server.stdout.read_text() + server.stderr.read_text()

    assert "http://***@registry:5000 refused ***, ***: 401" in told
    for secret in ("s3cret", "t0ken", "hidden"):
        assert secret not in told


def test_the_process_that_follows_is_small(serve: Serve, registry: Any) -> None:
    """It loads neither the service nor MLflow."""
    registry.promote(3)
    with serve() as server:
        assert server.ask("GET", "/ready")[0] == 200
        (worker,) = (p for p in descendants_of(server) if p.memory_info().rss > 80 * 2**20)

        own = psutil.Process(server.process.pid).memory_info().rss

        assert own < worker.memory_info().rss / 2
        assert own < 60 * 2**20


def descendants_of(server: Service) -> list[psutil.Process]:
    master = psutil.Process(server.process.pid).children()
    return [worker for process in master for worker in process.children()]


# What ends it before anything is served


def ended(command: list[str], settings: dict[str, str], folder: Path) -> Any:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        timeout=60,
        text=True,
    )


TRUE = ["touch", "started"]


def test_without_the_registry_and_without_a_model_nothing_is_started(
    following: Any, settings: dict[str, str], registry: Any, artifact: Path, tmp_path: Path
) -> None:
    registry.fail("nobody answers")
    other = tmp_path / "other"
    copy_artifact(open_artifact(artifact), other, origin="models:/other/3")
    for folder in (registry.pulled, other):
        done = ended([*following(to=folder), *TRUE], settings, tmp_path)

        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: MLflow at ")
        assert "nobody answers; nothing is started, since" in done.stderr
        assert done.stderr.endswith("holds no model of regression-model\n")
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "started").exists()


def write_a_note(folder: Path, artifact: Path) -> str:
    folder.mkdir()
    (folder / "plan.txt").write_text("mine")
    return "plan.txt"


def train_there(folder: Path, artifact: Path) -> str:
    trained = open_artifact(artifact).folder
    (folder / trained.name).mkdir(parents=True)
    (folder / trained.name / "manifest.json").write_bytes((trained / "manifest.json").read_bytes())
    return trained.name


def copy_from_elsewhere(folder: Path, artifact: Path) -> str:
    return copy_artifact(open_artifact(artifact), folder).name


@pytest.mark.parametrize("fill", [write_a_note, train_there, copy_from_elsewhere])
def test_a_folder_that_holds_anything_else_is_refused_by_name(
    following: Any,
    settings: dict[str, str],
    registry: Any,
    artifact: Path,
    tmp_path: Path,
    fill: Callable[[Path, Path], str],
) -> None:
    registry.promote(3)
    found = fill(registry.pulled, artifact)
    before = sorted(registry.pulled.rglob("*"))

    done = ended([*following(), *TRUE], settings, tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: {registry.pulled} holds {found}, which is" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(registry.pulled.rglob("*")) == before
    assert registry.asked() == []


@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [
        ([], {}, "give the command that serves after --, for example: -- gunicorn ml_api.wsgi:app"),
        (["no-such-program"], {}, "there is no program 'no-such-program' to start"),
        (TRUE, {"MLFLOW_TRACKING_URI": ""}, "name the registry in MLFLOW_REGISTRY_URI or "),
        (TRUE, {"PYTHONPATH": ""}, "needs mlflow-skinny, which is not installed. Install it with:"),
    ],
)
def test_bad_use_is_told_before_anything_is_done(
    following: Any,
    settings: dict[str, str],
    tmp_path: Path,
    command: list[str],
    changes: dict[str, str],
    message: str,
) -> None:
    done = ended([*following(), *command], {**settings, **changes}, tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "registry"]


def test_what_names_no_version_is_refused(
    following: Any, settings: dict[str, str], tmp_path: Path
) -> None:
    done = ended([*following(uri="prices"), *TRUE], settings, tmp_path)

    assert done.returncode == 2
    assert "'prices' names no version of a model; write models:/" in done.stderr


def test_its_lines_are_text_beside_those_of_gunicorn(
    following: Any, settings: dict[str, str], registry: Any, tmp_path: Path
) -> None:
    champion = registry.promote(3)
    command = [word for word in following() if word != "--json"]

    done = ended([*command, *TRUE], settings, tmp_path)

    assert (done.returncode, done.stdout) == (0, "")
    assert f'[INFO] model.pulled origin="{champion}" artifact="' in done.stderr
    assert (tmp_path / "started").exists()
