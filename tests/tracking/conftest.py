"""A place for runs, a server that shows it, and databases of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

import regression_model
from regression_model.cli import group
from tools.measuring.local_server import becomes_ready, free_port, kill_group

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
PATIENCE = 120  # seconds for a server to start on a busy machine
Serve = Callable[..., AbstractContextManager[str]]
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
# (variable, default address, how a database of one's own is made and dropped)
SERVERS = {
    "postgresql": (
        "REGRESSION_MODEL_TEST_POSTGRES_URL",
        "postgresql+psycopg://root@127.0.0.1:5432/test",
        "DROP DATABASE IF EXISTS {name} WITH (FORCE)",
    ),
    "mariadb": (
        "REGRESSION_MODEL_TEST_MARIADB_URL",
        "mysql+pymysql://root@127.0.0.1:3306/test",
        "DROP DATABASE IF EXISTS {name}",
    ),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No store but those that a test names."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run() -> Callable[..., Result]:
    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(group, [str(a) for a in arguments], catch_exceptions=False)

    return invoke


class Server:
    """An MLflow server in a folder of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"
        self.database = f"sqlite:///{folder / 'mlflow.db'}"

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "mlflow", "server", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--backend-store-uri", self.database]
        log = self._folder / "server.log"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, **QUIET},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self._port, "/health", log, self._process)

    def kill(self) -> None:
        if self._process is not None:
            kill_group(self._process)
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    started = Server(folder)
    yield started
    started.kill()


@pytest.fixture(scope="session")
def client_of() -> Callable[[str], Any]:
    reason = "MLflow has an environment of its own: tox -e mlflow"
    mlflow = pytest.importorskip("mlflow", reason=reason)
    return lambda uri: mlflow.MlflowClient(tracking_uri=uri)


@pytest.fixture(
    scope="module",
    params=["sqlite", *(pytest.param(name, marks=pytest.mark.conformance) for name in SERVERS)],
)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of an empty database; skips where its server does not answer."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
        return
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import OperationalError

    variable, default, drop = SERVERS[request.param]
    address = make_url(os.environ.get(variable) or default)
    # Another one each time: MLflow makes tables once in a process for an address.
    name = f"regression_model_mlflow_{uuid4().hex}"
    engine = create_engine(
        address, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
    )
    try:
        engine.connect().close()
    except OperationalError as error:
        engine.dispose()
        pytest.skip(f"{engine.url!r} does not answer ({error.orig}); {variable} names another")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield address.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(drop.format(name=name)))
        engine.dispose()


@pytest.fixture(scope="session")
def service_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that serves, with a registry's client: `[api,registry]`, locked.

    The whole MLflow excludes the gunicorn of the service. The package in it is the one that is
    tested here: the wheel in `tox -e mlflow`.
    """
    home = tmp_path_factory.mktemp("service")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True, timeout=120)
    python = Path(home, "venv", "bin", "python")
    lock = ROOT / "requirements" / "serving-registry.txt"
    install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    subprocess.run(install, check=True, timeout=600)
    (home / "tested").mkdir()
    (home / "tested" / "regression_model").symlink_to(Path(regression_model.__file__).parent)
    (packages,) = Path(home, "venv", "lib").glob("python*/site-packages")
    (packages / "tested.pth").write_text(f"{home / 'tested'}\n")
    return python


@pytest.fixture(scope="session")
def serve_api(service_python: Path) -> Serve:
    """Runs the service in a folder; keywords are settings. Gives its address."""

    def serve(folder: Path, **settings: str) -> AbstractContextManager[str]:
        # What is set for our Python is not for that one.
        lent = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        gunicorn = [service_python.parent / "gunicorn", "-c", ROOT / "gunicorn.conf.py"]
        return answering([*gunicorn, "ml_api.wsgi:app"], folder, "/ready", {**lent, **settings})

    return serve


@pytest.fixture(scope="session")
def serve_mlflow() -> Serve:
    """Runs `mlflow models serve` on the model ``model_uri``; gives its address."""

    def serve(folder: Path, *, model_uri: str) -> AbstractContextManager[str]:
        command = [sys.executable, "-P", "-m", "mlflow", "models", "serve"]
        command += ["--env-manager", "local", "--model-uri", model_uri, "--port", "{port}"]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return answering(command, folder, "/ping", {**os.environ, **QUIET, "PATH": path})

    return serve


@contextmanager
def answering(
    command: Sequence[str | Path], folder: Path, ready: str, environment: dict[str, str]
) -> Iterator[str]:
    """Run a server in ``folder`` until the block is left; the path ``ready`` says that it is up.

    It is told its port by ``{port}`` in the command, or by the variable PORT.
    """
    port, log = str(free_port()), folder / "server.log"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [str(part).replace("{port}", port) for part in command],
            cwd=folder,
            env={**environment, "PORT": port},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(int(port), ready, log, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        kill_group(process)


def wait_for(port: int, path: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until ``path`` answers with 200; raises TimeoutError with the log where it never does."""
    if not becomes_ready(port, path, seconds=PATIENCE, process=process):
        raise TimeoutError(log.read_text())


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in git, or is about to be, in a repository of its own."""
    folder = tmp_path_factory.mktemp("checkout")
    listing = [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, timeout=60)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for command in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "All"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True, timeout=60)
    return folder
