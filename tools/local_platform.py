"""A platform of Heroku's kind on this machine: what is pushed to its git remote is served.

A push builds an environment from requirements.txt, starts what the Procfile names on the socket
that the service before it listens on, and ends that one once the new one is ready. A push that
cannot be built, or gets not ready, is refused, and what ran still runs. To rehearse with.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.request import urlopen

BRANCH = "refs/heads/main"
READY_SECONDS = 30
GRACE_SECONDS = 30
OURS = ("PYTHON", "VIRTUAL_ENV", "TOX_", "GIT_", "REGRESSION_MODEL_", "ML_API_", "GUNICORN_")


class Broken(Exception):
    """Why a push is refused."""


class Running(NamedTuple):
    """A release in service."""

    sha: str
    process: subprocess.Popen[bytes]


class LocalPlatform:
    """The platform in the folder ``home``; ``settings`` are added to what its programs see."""

    def __init__(self, home: Path, settings: Mapping[str, str], listening: socket.socket) -> None:
        self.remote = home / "app.git"
        self.log = home / "service.log"
        self.settings = dict(settings)
        self.ended: list[int] = []  # exit codes of the releases that were replaced
        self._home = home
        self._socket = listening
        self._running: Running | None = None

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def sha(self) -> str | None:
        """The commit in service."""
        return None if self._running is None else self._running.sha

    def release(self, sha: str, say: Callable[[str], None]) -> None:
        """Build and serve what was pushed; Broken where that cannot be."""
        app = self._home / "releases" / sha
        environment = self._home / "environments" / digest_of_requirements(app)
        if not environment.exists():
            say("installing requirements.txt")
            self._build(app, environment)
        say("starting the Procfile's web")
        new = Running(sha, self._start(app, environment))
        old, self._running = self._running, new
        if old is not None:
            self.ended.append(end(old.process))
            say(f"{old.sha[:12]} answered what it had in hand, and ended with {self.ended[-1]}")
        say(f"{sha[:12]} is in service")

    def stop(self) -> None:
        """End what runs."""
        if self._running is not None:
            end(self._running.process)
            self._running = None

    def _build(self, app: Path, environment: Path) -> None:
        python = environment / "bin" / "python"
        steps = (
            [sys.executable, "-m", "venv", environment],
            [python, "-m", "pip", "install", "--quiet", "--no-input", "-r", "requirements.txt"],
        )
        for step in steps:
            ended = subprocess.run(
                [*map(str, step)],
                cwd=app,
                env=self._environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            if ended.returncode:
                shutil.rmtree(environment, ignore_errors=True)
                raise Broken(f"it cannot be installed: {ended.stderr.strip()}")

    def _start(self, app: Path, environment: Path) -> subprocess.Popen[bytes]:
        """Start the service, and return once it is ready.

        It listens on the socket of the platform, which outlives it so that no client is turned
        away, and on one of its own, where it is asked.
        """
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        with socket.create_server(("127.0.0.1", 0)) as own, self.log.open("ab") as log:
            shared = [self._socket.fileno(), own.fileno()]
            bind = " ".join(f"--bind fd://{number}" for number in shared)
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {web(app / 'Procfile')}"],
                cwd=app,
                env={**self._environment(), "PATH": path, "GUNICORN_CMD_ARGS": bind},
                pass_fds=shared,
                stdout=log,
                stderr=log,
            )
            port = own.getsockname()[1]
        if not becomes_ready(port, process):
            end(process)
            raise Broken(f"it is not ready within {READY_SECONDS} seconds")
        return process

    def _environment(self) -> dict[str, str]:
        lent = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        return {**lent, **self.settings}


@contextmanager
def local_platform(home: Path, **settings: str) -> Iterator[LocalPlatform]:
    """A platform in the new folder ``home``, for as long as the context lasts."""
    home.mkdir(parents=True)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(home / "app.git")],
        check=True,
    )
    talks = tempfile.mkdtemp(prefix="platform-")  # a socket's path may be no longer than 107
    address = str(Path(talks, "hook"))
    hook = home / "app.git" / "hooks" / "pre-receive"
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{address}" "{home}"\n')
    hook.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        platform = LocalPlatform(home, settings, listening)
        with Listener(address, "AF_UNIX") as listener:
            Thread(target=listen, args=(platform, listener), daemon=True).start()
            try:
                yield platform
            finally:
                platform.stop()
    shutil.rmtree(talks)


def listen(platform: LocalPlatform, listener: Listener) -> None:
    """Release what the hook asks for, one after another."""
    with suppress(OSError):  # the platform ends
        while True:
            with listener.accept() as hook:
                answer(platform, hook)


def answer(platform: LocalPlatform, hook: Connection) -> None:
    """Say lines while a release is made, then None, or what stands in its way."""
    try:
        platform.release(hook.recv(), lambda line: hook.send(("said", line)))
        hook.send(("end", None))
    except Exception as error:
        hook.send(("end", str(error) if isinstance(error, Broken) else repr(error)))


def received(address: str, home: Path) -> None:
    """What git runs when something is pushed: leave the files, have them released."""
    for line in sys.stdin:
        _, sha, ref = line.split()
        if ref != BRANCH:
            continue
        unpack(sha, home / "releases" / sha)
        with Client(address, "AF_UNIX") as platform:
            platform.send(sha)
            while (told := platform.recv())[0] == "said":
                print(told[1], flush=True)
        if told[1] is not None:
            sys.exit(f"refused: {told[1]}")


def unpack(sha: str, folder: Path) -> None:
    """The files of a commit, as a platform has them: without the repository."""
    if folder.exists():
        return
    archive = subprocess.run(["git", "archive", sha], stdout=subprocess.PIPE, check=True)
    with tempfile.TemporaryFile() as file:
        file.write(archive.stdout)
        file.seek(0)
        with tarfile.open(fileobj=file) as files:
            files.extractall(folder, filter="data")


def digest_of_requirements(app: Path) -> str:
    """What tells environments apart."""
    files = (app / "requirements.txt", app / "requirements" / "serving.txt")
    return hashlib.sha256(b"".join(map(Path.read_bytes, files))).hexdigest()


def web(procfile: Path) -> str:
    """The command of the Procfile's web."""
    for line in procfile.read_text("utf-8").splitlines():
        name, _, command = line.partition(":")
        if name == "web":
            return command.strip()
    raise Broken("the Procfile names no web")


def becomes_ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether ``/ready`` is 200 before patience or the process ends."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
            return True
        time.sleep(0.05)
    return False


def end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that is told to end, and killed where it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


if __name__ == "__main__":
    received(sys.argv[1], Path(sys.argv[2]))
