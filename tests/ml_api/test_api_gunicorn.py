"""The real server: starts, refuses, reloads and stops as promised."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import regression_model
from ml_api.config import SERVER_SETTINGS, SETTINGS
from reliability.service import CONFIG
from tools.measuring.local_server import JSON, PREDICT
from tools.release.project import ROOT

pytestmark = pytest.mark.process

Serve = Callable[..., Any]

# What cannot be used, for every setting; any text may be a folder's name.
GARBAGE = {
    "PORT": ["garbage", "0"],
    "WEB_CONCURRENCY": ["garbage"],
    "ML_API_THREADS": ["garbage", "0"],
    "ML_API_PIN_WORKERS": ["garbage"],
    "ML_API_ENV": ["garbage"],
    "ML_API_MAX_BODY_BYTES": ["garbage", "-1"],
    "ML_API_MAX_ROWS": ["garbage", "0"],
    "ML_API_MAX_EXPLAINED_ROWS": ["garbage"],
    "ML_API_BODY_SECONDS": ["garbage", "0"],
    "ML_API_LOG_VALUES": ["garbage"],
    "ML_API_LOG_LEVEL": ["garbage"],
    "ML_API_LOG_FILE": ["/no/such/folder/log"],
    "ML_API_LOG_FILE_WHEN": ["garbage"],
    "ML_API_LOG_FILE_KEEP": ["garbage", "-1"],
    "ML_API_LAST_GOOD": [],
    "ML_API_KEYS_FILE": ["/no/such/file"],
    "ML_API_RATE_LIMIT": ["garbage", "0/minute", "10/fortnight"],
    "ML_API_RATE_LIMIT_STORE": ["garbage", "file:///tmp/counts"],
    "ML_API_RATE_LIMIT_FAILURE": ["garbage"],
    "ML_API_TRUSTED_HOSTS": ["http://host", "a,,b"],
    "ML_API_TRUSTED_PROXIES": ["garbage", "127.0.0.1"],
    "ML_API_CORS_ORIGINS": ["*", "app.example.com", "https://app.example.com/"],
    "REGRESSION_MODEL_ARTIFACT": [],
    "FLASK_DEBUG": ["garbage"],
}


def test_it_answers_from_any_folder_and_stops_on_sigterm(
    serve: Serve, houses: list[dict[str, Any]]
) -> None:
    with serve() as server:
        assert server.ask("GET", "/ready")[0] == 200
        status, content = server.ask("POST", PREDICT, body=json.dumps(houses), headers=JSON)
        assert status == 200
        assert None not in json.loads(content)["predictions"]

        server.process.terminate()

        assert server.process.wait(timeout=30) == 0
        assert [line["rows"] for line in server.log("predict.output")] == [len(houses)]


def test_it_leaves_no_control_socket(serve: Serve, tmp_path: Path) -> None:
    with serve(HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)):
        assert [path for path in tmp_path.rglob("*") if path.is_socket()] == []


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in GARBAGE.items() for text in ["", *texts]]
)
def test_an_unusable_setting_stops_it_at_once_by_name(tmp_path: Path, name: str, text: str) -> None:
    ended = start_and_end(tmp_path, **{name: text})

    assert ended.returncode != 0
    assert name.encode() in ended.stderr
    assert text.encode() in ended.stderr
    # gunicorn reads this one first, and refuses it in its own words.
    assert b"Traceback" not in ended.stderr or name == "WEB_CONCURRENCY"


def test_every_setting_has_been_tried_with_garbage() -> None:
    assert set(GARBAGE) == {setting.name for setting in (*SERVER_SETTINGS, *SETTINGS)}


@pytest.mark.parametrize(
    ("name", "text"),
    [("ML_API_MODEL_URI", "models:/prices@champion"), ("ML_API_MODEL_POLL_SECONDS", "60")],
)
def test_a_registry_in_the_settings_is_refused_with_the_command_that_follows_one(
    tmp_path: Path, name: str, text: str
) -> None:
    ended = start_and_end(tmp_path, **{name: text})

    assert ended.returncode != 0
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith(
        f"gunicorn.conf.py: {name} is '{text}': expected nothing, because it is no longer used"
    )
    assert "regression-model registry follow MODEL_URI --to DIR" in line


@pytest.mark.parametrize("text", ["1", "true", "ON", "yes"])
def test_debugging_stops_it_in_production(tmp_path: Path, text: str) -> None:
    ended = start_and_end(tmp_path, FLASK_DEBUG=text)

    assert ended.returncode != 0
    assert b"FLASK_DEBUG is" in ended.stderr
    assert b"expected off in production" in ended.stderr


def test_the_password_of_a_store_is_not_shown(tmp_path: Path) -> None:
    ended = start_and_end(tmp_path, ML_API_RATE_LIMIT_STORE="redis://:hidden@")

    assert ended.returncode != 0
    assert b"ML_API_RATE_LIMIT_STORE is 'redis://***@'" in ended.stderr
    assert b"hidden" not in ended.stderr


@pytest.mark.parametrize("options", [{"WEB_CONCURRENCY": "2"}, {"GUNICORN_CMD_ARGS": "-w 2"}])
def test_several_workers_do_not_count_each_for_itself(
    tmp_path: Path, options: dict[str, str]
) -> None:
    ended = start_and_end(tmp_path, ML_API_RATE_LIMIT="10/minute", **options)

    assert ended.returncode != 0
    assert b"ML_API_RATE_LIMIT_STORE is 'memory://'" in ended.stderr
    assert b"2 workers" in ended.stderr


def test_a_folder_of_trained_models_is_not_taken_for_copies(tmp_path: Path) -> None:
    (tmp_path / "models" / "regression_model-1.0.0-12345678").mkdir(parents=True)

    ended = start_and_end(tmp_path, ML_API_LAST_GOOD="models")

    assert ended.returncode != 0
    assert b"ML_API_LAST_GOOD is 'models'" in ended.stderr
    assert b"holds regression_model-1.0.0-12345678" in ended.stderr
    assert b"Traceback" not in ended.stderr


def start_and_end(folder: Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Start gunicorn with settings that make it end within three seconds."""
    command = [sys.executable, "-m", "gunicorn", "-c", str(CONFIG), "ml_api.wsgi:app"]
    env = {**os.environ, **settings}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=3)


@pytest.mark.parametrize("size", [1001, 40_000_000])
def test_a_chunked_body_over_the_limit_is_refused(serve: Serve, size: int) -> None:
    def pieces() -> Any:
        for start in range(0, size, 1_000_000):
            yield b" " * min(1_000_000, size - start)

    with serve(ML_API_MAX_BODY_BYTES="1000") as server:
        answers = [
            server.ask("POST", PREDICT, body=pieces(), headers=h, encode_chunked=chunked)
            for h, chunked in (
                ({**JSON, "Transfer-Encoding": "chunked"}, True),
                ({**JSON, "Content-Length": str(size)}, False),
            )
        ]
        afterwards = server.ask("GET", "/health")

    assert [status for status, _ in answers] == [413, 413]
    assert all(json.loads(content)["status"] == 413 for _, content in answers)
    assert afterwards == (200, b"ok")


def test_a_chunked_body_within_the_limit_is_whole(
    serve: Serve, houses: list[dict[str, Any]]
) -> None:
    body = json.dumps(houses).encode()
    pieces = [body[i : i + 777] for i in range(0, len(body), 777)]
    headers = {**JSON, "Transfer-Encoding": "chunked"}

    with serve(ML_API_MAX_BODY_BYTES=str(len(body))) as server:
        status, content = server.ask(
            "POST", PREDICT, body=iter(pieces), headers=headers, encode_chunked=True
        )

    assert status == 200
    assert len(json.loads(content)["predictions"]) == len(houses)


def test_broken_chunks_are_the_clients_doing(serve: Serve) -> None:
    request = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nnot a size\r\n{}\r\n0\r\n\r\n"
    )
    with serve() as server:
        answer = server.send(request.encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("head", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_client_that_breaks_off_makes_no_noise(serve: Serve, head: str) -> None:
    request = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        '5\r\n{"a":'
    )
    with serve() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(request.encode())
        server.wait_until(lambda: server.log("request.refused"))

        assert [line["status"] for line in server.log("request.refused")] == [400]
        assert server.log("request.failed") == []
        assert "Traceback" not in server.stderr.read_text()
        assert server.ask("GET", "/health")[0] == 200


def test_clients_that_leave_their_connection_open_make_nobody_wait(serve: Serve) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with serve(ML_API_THREADS="16") as server, ExitStack() as stack:
        started = time.monotonic()
        for _ in range(10):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(request)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")

    # gunicorn waits two seconds for each of them to close its end.
    assert time.monotonic() - started < 10


def test_a_missing_model_stops_no_worker(serve: Serve, tmp_path: Path) -> None:
    with serve(REGRESSION_MODEL_ARTIFACT=str(tmp_path / "nothing")) as server:
        statuses = {path: server.ask("GET", path)[0] for path in ("/health", "/ready", "/version")}
        predicted = server.ask("POST", PREDICT, body=b"{}", headers=JSON)[0]

        assert (statuses, predicted) == ({"/health": 200, "/ready": 503, "/version": 503}, 503)
        assert len(server.log("model.unavailable")) == 1
        assert server.process.poll() is None


def test_the_last_good_model_answers_as_before_explanations_included(
    serve: Serve, artifact: Path, tmp_path: Path, houses: list[dict[str, Any]]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(artifact, copy)
    body = json.dumps({"inputs": houses[:2], "explain": True})
    with serve(REGRESSION_MODEL_ARTIFACT=str(copy)) as server:
        assert server.ask("GET", "/ready")[0] == 200
        before = server.ask("POST", PREDICT, body=body, headers=JSON)
        version = server.ask("GET", "/version")

        shutil.rmtree(copy)
        server.reload()
        server.wait_until(lambda: server.log("model.last_good_loaded"))

        assert server.ask("GET", "/ready")[0] == 200
        assert server.ask("POST", PREDICT, body=body, headers=JSON) == before
        assert server.ask("GET", "/version") == version


def kept_by(server: Any) -> Path:
    """The folder that a server keeps for the model last found good: it holds it open."""
    opened = (str(fd.readlink()) for fd in Path(f"/proc/{server.process.pid}/fd").iterdir())
    (folder,) = (Path(name) for name in opened if "/ml-api-good-model-" in name)
    return folder


def test_the_copy_of_the_last_good_model_goes_with_the_server(serve: Serve, tmp_path: Path) -> None:
    named = tmp_path / "named"
    with serve() as server:
        assert server.ask("GET", "/ready")[0] == 200
        kept = kept_by(server)
        assert (kept / "CURRENT").is_file()
        server.process.terminate()
        assert server.process.wait(timeout=30) == 0
    with serve(ML_API_LAST_GOOD=str(named)) as server:
        assert server.ask("GET", "/ready")[0] == 200
        server.process.terminate()
        assert server.process.wait(timeout=30) == 0

    assert not kept.exists()
    assert (named / "CURRENT").is_file()
    assert not list(named.rglob("*.joblib"))


def test_what_a_killed_server_left_goes_with_the_next_start(serve: Serve) -> None:
    with serve() as living:
        with serve() as killed:
            left, workers = kept_by(killed), killed.workers()
            killed.process.kill()
            killed.process.wait(timeout=30)
            living.wait_until(lambda: not any(worker.is_running() for worker in workers.values()))
            assert left.is_dir()
        with serve():
            assert not left.exists()
            assert kept_by(living).is_dir()


def test_a_start_without_the_artifact_serves_what_a_named_folder_kept(
    serve: Serve, tmp_path: Path
) -> None:
    kept, nothing = str(tmp_path / "kept"), str(tmp_path / "nothing")
    with serve(ML_API_LAST_GOOD=kept) as server:
        version = server.ask("GET", "/version")
    with serve(ML_API_LAST_GOOD=kept, REGRESSION_MODEL_ARTIFACT=nothing) as server:
        assert server.ask("GET", "/ready")[0] == 200
        assert server.ask("GET", "/version") == version


def test_the_installed_package_wins_over_the_source_folder(serve: Serve, tmp_path: Path) -> None:
    """A checkout's ``regression_model/`` need not hold a model; the installed wheel does."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "ml_api", checkout / "ml_api")
    shutil.copy(CONFIG, checkout)
    (checkout / "regression_model").mkdir()
    (checkout / "regression_model" / "__init__.py").write_text("raise ImportError('the source')")
    installed = str(Path(regression_model.__file__).parents[1])
    path = os.pathsep.join([installed, os.environ.get("PYTHONPATH", "")])

    with serve(config=checkout / CONFIG.name, cwd=checkout, PYTHONPATH=path) as server:
        assert server.ask("GET", "/ready")[0] == 200


def test_workers_and_threads_follow_the_environment(serve: Serve) -> None:
    with serve(WEB_CONCURRENCY="2", ML_API_THREADS="3") as server:
        server.wait_until(lambda: len(server.log("model.loaded")) == 2)

        assert server.stderr.read_text().count("Booting worker") == 2
        assert "Using worker: Gthread" in server.stderr.read_text()


CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


@pytest.mark.skipif(CORES < 2, reason="takes Linux and two cores")
@pytest.mark.parametrize(
    ("pin", "workers", "cores"),
    [
        ("auto", CORES, [1] * CORES),
        ("auto", 1, [CORES]),
        ("on", 1, [1]),
        ("off", CORES, [CORES] * CORES),
    ],
)
def test_workers_have_cores_of_their_own(
    serve: Serve, pin: str, workers: int, cores: list[int]
) -> None:
    def placed() -> bool:
        found = [os.sched_getaffinity(pid) for pid in server.workers()]
        return sorted(map(len, found)) == cores and len(set.union(*found)) == min(CORES, sum(cores))

    with serve(WEB_CONCURRENCY=str(workers), ML_API_PIN_WORKERS=pin) as server:
        server.wait_until(placed)
        server.reload()
        server.wait_until(placed)
