"""A platform of Heroku's kind on this machine: what is pushed to its git remote is served.

A push builds an environment from requirements.txt, and is refused where that cannot be. The release
is then put into service, in the manner of the platform: what the Procfile names is started on the
socket that the service before it listens on. To rehearse with.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Listener
from pathlib import Path
from threading import Event, Lock, Thread
from typing import NamedTuple

from tools.measuring.local_server import HOST, becomes_ready, end
from tools.rehearsal.push_hook import Broken, Say, listen, make_repository
from tools.rehearsal.vacant_socket import VacantSocket
from tools.release.project import run

READY_SECONDS = 30
OURS = ("PYTHON", "VIRTUAL_ENV", "TOX_", "GIT_", "REGRESSION_MODEL_", "ML_API_", "GUNICORN_")


class Manner(NamedTuple):
    """How a platform puts a release into service once it is built.

    The default is kinder than real platforms are. Most accept a push first, and switch later.
    """

    waits: bool = True  # the push lasts until the switch, and is refused where the switch fails
    after: float | None = 0.0  # seconds from the build to the switch; None: it never switches
    overlaps: bool = True  # the old release answers until the new one is ready


NEVER_SWITCHES = Manner(waits=False, after=None)
SWITCHES_LATE = Manner(waits=False, after=3.0)  # Heroku with preboot
RESTARTS_LATE = Manner(waits=False, after=3.0, overlaps=False)  # Heroku


class Built(NamedTuple):
    """A release that can be started."""

    sha: str
    app: Path
    environment: Path


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
        self.manner = Manner()
        self.ended: list[int] = []  # exit codes of the releases that were replaced
        self._home = home
        self._socket = listening
        self._vacant = VacantSocket(listening)
        self._vacant.open()
        self._running: Running | None = None
        self._switching = Lock()
        self._accepted = 0  # releases; of those that wait for their switch, only the last gets it
        self._later: list[Thread] = []
        self._stopped = Event()

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://{HOST}:{self._socket.getsockname()[1]}"

    @property
    def sha(self) -> str | None:
        """The commit in service."""
        return None if self._running is None else self._running.sha

    def release(self, sha: str, say: Say) -> None:
        """Build what was pushed and put it into service, now or later; Broken where that fails."""
        app = self._home / "releases" / sha
        built = Built(sha, app, self._home / "environments" / digest_of_requirements(app))
        if not built.environment.exists():
            say("installing requirements.txt")
            self._build(app, built.environment)
        self._accepted += 1
        if self.manner.waits:
            self._switch(built, say, overlaps=self.manner.overlaps)
        elif self.manner.after is not None:
            later = (built, self._accepted, self.manner.after, self.manner.overlaps)
            self._later.append(Thread(target=self._switch_later, args=later))
            self._later[-1].start()

    def settle(self) -> None:
        """Return once every switch that was to come has come, or was overtaken."""
        while self._later:
            self._later.pop().join()

    def stop(self) -> None:
        """End what runs, and what was to run."""
        self._stopped.set()
        self.settle()
        self._vacant.close()
        if self._running is not None:
            end(self._running.process)
            self._running = None

    def _switch_later(self, built: Built, turn: int, seconds: float, overlaps: bool) -> None:
        if self._stopped.wait(seconds) or turn != self._accepted:
            return
        with suppress(Broken):  # no push waits for an answer; the log of the service has the fault
            self._switch(built, lambda _: None, overlaps=overlaps)

    def _switch(self, built: Built, say: Say, *, overlaps: bool) -> None:
        with self._switching:
            if not overlaps:
                self._end_old(say, None)
            say("starting the Procfile's web")
            self._end_old(say, Running(built.sha, self._start(built.app, built.environment)))
            say(f"{built.sha[:12]} is in service")

    def _end_old(self, say: Say, new: Running | None) -> None:
        """Put ``new`` in the place of what runs."""
        old, self._running = self._running, new
        if new is None:
            self._vacant.open()
        else:
            self._vacant.close()
        if old is not None:
            self.ended.append(end(old.process))
            say(f"{old.sha[:12]} answered what it had in hand, and ended with {self.ended[-1]}")

    def _build(self, app: Path, environment: Path) -> None:
        python = environment / "bin" / "python"
        steps = (
            [sys.executable, "-m", "venv", environment],
            [python, "-m", "pip", "install", "--quiet", "--no-input", "-r", "requirements.txt"],
        )
        for step in steps:
            ended = run([*map(str, step)], cwd=app, env=self._environment())
            if ended.returncode:
                shutil.rmtree(environment, ignore_errors=True)
                raise Broken(f"it cannot be installed: {ended.stderr.strip()}")

    def _start(self, app: Path, environment: Path) -> subprocess.Popen[bytes]:
        """Start the service, and return once it is ready.

        It listens on the socket of the platform, which outlives it so that no client is turned
        away, and on one of its own, where it is asked.
        """
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        with socket.create_server((HOST, 0)) as own, self.log.open("ab") as log:
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
        if not becomes_ready(port, seconds=READY_SECONDS, process=process):
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
    talks = tempfile.mkdtemp(prefix="platform-")  # a socket's path may be no longer than 107
    address = str(Path(talks, "hook"))
    make_repository(home / "app.git", address, home)
    with socket.create_server((HOST, 0), backlog=1024) as listening:
        platform = LocalPlatform(home, settings, listening)
        with Listener(address, "AF_UNIX") as listener:
            Thread(target=listen, args=(platform.release, listener), daemon=True).start()
            try:
                yield platform
            finally:
                platform.stop()
    shutil.rmtree(talks)


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
