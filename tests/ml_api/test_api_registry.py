"""A service that takes its model from a registry: what it serves, when, and what it does without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import pytest

from regression_model.artifact import open_artifact
from regression_model.artifact_folders import copy_artifact, save_artifact
from reliability.service import CONFIG, Service, gunicorn, import_path, is_watcher, running
from tools.measuring.local_server import JSON, PREDICT, wait_for

Serve = Callable[..., AbstractContextManager[Service]]
URI = "models:/regression-model@champion"
PULL = [sys.executable, str(Path(__file__).with_name("pull_stand_in.py"))]
# The service's own configuration, with another command in the place of the one that needs MLflow.
STAND_IN = f"""
__file__ = {str(CONFIG)!r}
exec(compile(open(__file__).read(), __file__, "exec"))
PULL = {PULL!r}
"""


class Registry:
    """The registry of the stand-in, and the folder that is pulled to."""

    def __init__(self, folder: Path, artifact: Path) -> None:
        self.folder, self.pulled, self._artifact = folder, folder / "pulled", artifact
        folder.mkdir()

    def promote(self, version: int) -> str:
        """Make a version the champion, and return what the service will call it."""
        source = self.folder / str(version)
        if not source.exists():
            opened = open_artifact(self._artifact)
            skipped = ("digest", "files", "format", "version")
            manifest = {k: v for k, v in opened.manifest.items() if k not in skipped}
            manifest["trained_at"] = f"2026-01-{version:02}T00:00:00+00:00"
            files = {name: opened.read(name) for name in opened.manifest["files"]}
            save_artifact(
                source, version=opened.manifest["version"], manifest=manifest, files=files
            )
        (self.folder / "new").write_text(f"{version} {source}")
        (self.folder / "new").replace(self.folder / "champion")
        return f"models:/regression-model/{version}"

    def fail(self, reason: str) -> None:
        (self.folder / "down").write_text(reason)

    def recover(self) -> None:
        (self.folder / "down").unlink()

    def asked(self) -> list[int]:
        """The processes that have asked."""
        path = self.folder / "asked"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def registry(tmp_path: Path, artifact: Path) -> Registry:
    return Registry(tmp_path / "registry", artifact)


@pytest.fixture
def settings(registry: Registry, tmp_path: Path) -> dict[str, str]:
    """What a service is told that takes its model from the registry; polls every second."""
    mlflow = tmp_path / "libraries" / "mlflow"
    mlflow.mkdir(parents=True)
    (mlflow / "__init__.py").write_text("raise ImportError('the service never imports this')")
    return {
        "ML_API_MODEL_URI": URI,
        "ML_API_MODEL_POLL_SECONDS": "1",
        "MLFLOW_TRACKING_URI": str(registry.folder),
        "REGRESSION_MODEL_ARTIFACT": str(registry.pulled),
        "PYTHONPATH": os.pathsep.join([import_path(), str(mlflow.parent)]),
    }


@pytest.fixture
def serve_pulled(settings: dict[str, str], tmp_path: Path) -> Serve:
    config = tmp_path / "gunicorn.conf.py"
    config.write_text(STAND_IN)

    def run(**changes: str) -> AbstractContextManager[Service]:
        return running(None, tmp_path, config=config, **{**settings, **changes})

    return run


def origin(server: Service) -> str | None:
    status, content = server.ask("GET", "/version")
    return str(json.loads(content)["origin"]) if status == 200 else None


def watchers(server: Service) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.process.pid).children() if is_watcher(child)]


def the_watcher(server: Service) -> psutil.Process:
    """The only one, once the one before a reload has ended."""
    server.wait_until(lambda: len(watchers(server)) == 1)
    return watchers(server)[0]


def test_it_serves_once_the_model_is_fetched_and_never_the_bundled_one(
    serve_pulled: Serve, registry: Registry
) -> None:
    registry.fail("nobody answers")
    with serve_pulled() as server:
        server.wait_until(lambda: server.log("model.pull_failed"))
        refusals = [
            server.ask("GET", "/ready"),
            server.ask("POST", PREDICT, body="{}", headers=JSON),
        ]
        assert [status for status, _ in refusals] == [503, 503]
        for _, content in refusals:
            reason = "The model has not been fetched from its registry yet."
            assert json.loads(content)["detail"] == reason
        assert server.ask("GET", "/health") == (200, b"ok")

        champion = registry.promote(3)
        registry.recover()

        server.wait_until(lambda: origin(server) == champion)
        assert server.ask("GET", "/ready")[0] == 200
        (pulled,) = server.log("model.pulled")
        assert pulled["origin"] == server.log("model.loaded")[-1]["origin"] == champion
        assert len(server.log("model.pull_recovered")) == 1


@contextmanager
def load(server: Service, body: str) -> Iterator[list[int]]:
    """Ask for prices without a pause; the statuses that came back."""
    statuses: list[int] = []
    enough = Event()

    def ask() -> None:
        while not enough.is_set():
            statuses.append(server.ask("POST", PREDICT, body=body, headers=JSON)[0])

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
    serve_pulled: Serve, registry: Registry, houses: list[dict[str, Any]]
) -> None:
    first = registry.promote(3)
    with serve_pulled(WEB_CONCURRENCY="2") as server:
        server.wait_until(lambda: origin(server) == first)
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


def test_a_model_that_stays_asks_for_no_reload(serve_pulled: Serve, registry: Registry) -> None:
    champion = registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: origin(server) == champion)
        before = len(registry.asked())
        server.wait_until(lambda: len(registry.asked()) >= before + 3)

        assert len(server.log("model.pulled")) == 1
        assert server.stderr.read_text().count("Handling signal: hup") == 1


def test_another_version_of_the_same_artifact_is_told_apart(
    serve_pulled: Serve, registry: Registry
) -> None:
    registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: origin(server) == "models:/regression-model/3")
        (registry.folder / "champion").write_text(f"4 {registry.folder / '3'}")
        server.wait_until(lambda: origin(server) == "models:/regression-model/4")


def test_what_was_pulled_is_served_while_the_registry_is_down(
    serve_pulled: Serve, registry: Registry
) -> None:
    champion = registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: origin(server) == champion)
    registry.fail("nobody answers")
    with serve_pulled() as server:
        assert server.ask("GET", "/ready")[0] == 200
        assert origin(server) == champion
        asked = len(registry.asked())
        server.wait_until(lambda: len(registry.asked()) >= asked + 3)
        (failure,) = server.log("model.pull_failed")
        assert failure["level"] == "ERROR"
        assert failure["reason"] == "nobody answers"


def test_nothing_else_is_served_in_its_place(
    serve_pulled: Serve, registry: Registry, artifact: Path, tmp_path: Path
) -> None:
    registry.fail("nobody answers")
    kept = tmp_path / "kept"
    copy_artifact(open_artifact(artifact), kept, origin="package")
    copy_artifact(open_artifact(artifact), registry.pulled)
    with serve_pulled(ML_API_LAST_GOOD=str(kept)) as server:
        assert server.ask("GET", "/ready")[0] == 503
        assert "did not come out of a registry" in server.log("model.unavailable")[0]["reason"]


def test_without_polls_a_reload_asks_at_once(serve_pulled: Serve, registry: Registry) -> None:
    first = registry.promote(3)
    with serve_pulled(ML_API_MODEL_POLL_SECONDS="0") as server:
        server.wait_until(lambda: origin(server) == first)
        second = registry.promote(4)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: origin(server) == second)


def test_a_watcher_that_is_killed_is_started_again(serve_pulled: Serve, registry: Registry) -> None:
    first = registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: origin(server) == first)
        watcher = the_watcher(server)
        asked = len(registry.asked())
        server.wait_until(lambda: len(registry.asked()) >= asked + 2)  # it is no newcomer
        watcher.kill()
        server.wait_until(lambda: [w for w in watchers(server) if w != watcher])
        second = registry.promote(4)
        server.wait_until(lambda: origin(server) == second)
        assert "watcher of the registry ended" in server.stderr.read_text()


def test_what_another_watcher_pulled_is_served_too(serve_pulled: Serve, registry: Registry) -> None:
    """Two masters share the folder while one takes over from the other."""
    first = registry.promote(3)
    with serve_pulled() as one, serve_pulled() as other:
        for server in (one, other):
            server.wait_until(lambda server=server: origin(server) == first)
        second = registry.promote(4)
        for server in (one, other):
            server.wait_until(lambda server=server: origin(server) == second)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("hanging", [False, True])
def test_nothing_is_left_of_a_server_that_ends(
    serve_pulled: Serve, registry: Registry, end: signal.Signals, hanging: bool
) -> None:
    registry.promote(3)
    if hanging:
        (registry.folder / "hang").touch()
    with serve_pulled() as server:
        server.wait_until(lambda: watchers(server) and registry.asked())
        if hanging:
            server.wait_until((registry.folder / "hanging").exists)
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert len(family) >= (4 if hanging else 2)
        server.process.send_signal(end)
        server.process.wait(timeout=30)
        wait_for(lambda: not any(process.is_running() for process in family))


@pytest.fixture
def unnamed(
    settings: dict[str, str], serve_pulled: Serve, registry: Registry
) -> Iterator[tuple[Service, Path]]:
    """A server that has version 3, in a folder that it made itself."""
    del settings["REGRESSION_MODEL_ARTIFACT"]
    champion = registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: origin(server) == champion)
        watcher = the_watcher(server)
        yield server, Path(watcher.environ()["REGRESSION_MODEL_ARTIFACT"])


def test_a_folder_that_nobody_named_goes_with_the_server(unnamed: tuple[Service, Path]) -> None:
    server, folder = unnamed
    assert (folder / "CURRENT").is_file()

    assert server.stop() == 0

    assert not folder.exists()


def test_an_upgrade_has_the_model_from_the_beginning_and_a_watcher_of_its_own(
    unnamed: tuple[Service, Path], registry: Registry
) -> None:
    server, folder = unnamed
    old = the_watcher(server)
    registry.fail("nobody answers")
    master = successor(server)
    assert server.stop() == 0
    try:
        wait_for(lambda: not old.is_running())
        assert origin(server) == "models:/regression-model/3"
        assert (folder / "CURRENT").is_file()
        registry.recover()
        second = registry.promote(4)
        server.wait_until(lambda: origin(server) == second)
    finally:
        master.terminate()
        master.wait(timeout=30)
    assert not folder.exists()


def successor(server: Service) -> psutil.Process:
    """The master that a running one begins, once it has a model and a watcher."""
    loaded = len(server.log("model.loaded"))
    server.process.send_signal(signal.SIGUSR2)
    found: list[psutil.Process] = []

    def begun() -> bool:
        for child in psutil.Process(server.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # a worker that is being replaced
                found.extend(child for grandchild in child.children() if is_watcher(grandchild))
        return bool(found) and len(server.log("model.loaded")) > loaded

    wait_for(begun)
    return found[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"MLFLOW_TRACKING_URI": ""}, "the address of its registry in MLFLOW_REGISTRY_URI or "),
        (
            {"PYTHONPATH": import_path()},
            "MLflow to be installed: it comes with the extra [registry]",
        ),
    ],
)
def test_what_cannot_be_pulled_is_refused_at_the_start(
    settings: dict[str, str], tmp_path: Path, changes: dict[str, str], expected: str
) -> None:
    ended = subprocess.run(
        gunicorn(CONFIG),
        cwd=tmp_path,
        env={**os.environ, **settings, **changes},
        capture_output=True,
        timeout=30,
        text=True,
    )

    assert ended.returncode != 0
    assert f"ML_API_MODEL_URI is '{URI}': expected {expected}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert str(tmp_path) not in ended.stderr


def test_passwords_are_not_logged(serve_pulled: Serve, registry: Registry) -> None:
    registry.fail("http://me:s3cret@registry:5000 refused t0ken: 401")
    with serve_pulled(MLFLOW_TRACKING_TOKEN="t0ken") as server:  # noqa: S106  # it is made up
        server.wait_until(lambda: server.log("model.pull_failed"))
        answer = server.ask("GET", "/version")[1].decode()
        told = server.stdout.read_text() + server.stderr.read_text() + answer

    assert "http://***@registry:5000 refused ***: 401" in told
    assert "s3cret" not in told
    assert "t0ken" not in told
    assert "registry:5000" not in answer


def test_the_watcher_is_small(serve_pulled: Serve, registry: Registry) -> None:
    """It loads neither the service nor the model: a tenth of a worker."""
    registry.promote(3)
    with serve_pulled() as server:
        server.wait_until(lambda: server.log("model.loaded"))
        watcher = the_watcher(server)

        assert watcher.memory_info().rss < 30 * 1024 * 1024
