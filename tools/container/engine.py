"""Build and run an image with Docker, Podman or Buildah, whichever is here.

Buildah builds and runs where there is no engine and no kernel that would let one work: as root,
with chroot isolation and plain folders (``vfs``). A container then shares network, processes and
shared memory with the machine; its root file system is made read-only as an engine would.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tools.release import project

Environment = Mapping[str, str]
Given = Mapping[str, str | None]  # arguments of the Dockerfile; None: its default
Secrets = Mapping[str, Path]
START_SECONDS = 30
STOP_SECONDS = 25  # more than the 20 that gunicorn takes at most
DEBIAN, DEBIAN_BASE = "bookworm", "localhost/debian-python:3.11"
PACKAGES = "python3,python3-venv"

# The root file system is closed first, which needs privileges, and these are then given up.
AS_USER_ON_READ_ONLY_ROOT = """
mount -o remount,bind,ro / || exit 90
user=$1; group=$2; shift 2
exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs "$@"
"""


class Container(Protocol):
    """One that runs."""

    main: int
    """The id of its first process, as processes in it see that."""

    began: float
    """When it was started, by the monotonic clock."""

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as its user."""

    def stop(self) -> int:
        """End it by SIGTERM; its exit code."""


class Engine(Protocol):
    """What builds and runs images."""

    name: str

    def base(self) -> str | None:
        """The image of Python to build on, made here; none where the Dockerfile's is pulled."""

    def build(self, folder: Path, tag: str, *, given: Given, secrets: Secrets) -> None:
        """Build the Dockerfile of a folder."""

    def config(self, tag: str) -> dict[str, Any]:
        """The image's settings, under Docker's names."""

    def run(self, tag: str, environment: Environment) -> Container:
        """Start a container on a read-only root; ``PORT`` is reached on the loopback."""

    def save(self, tag: str, archive: Path) -> None:
        """Write the image and its layers as one tar file."""


class NoEngine(SystemExit):
    """Nothing here builds images."""


def find(storage: Path) -> Engine:
    """The engine of this machine; Buildah keeps its images in ``storage``."""
    for name in ("docker", "podman"):
        if shutil.which(name) and not run([name, "info"], check=False).returncode:
            return Docker(name)
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise NoEngine(
            "no Docker or Podman answers here. Elsewhere Buildah does, as root:"
            " apt-get install buildah debootstrap"
            + (f" (missing: {', '.join(missing)})" if missing else " (you are not root)")
        )
    return Buildah(storage.resolve())


def run(command: Sequence[str], *, check: bool = True, **how: Any) -> Any:
    """Run a command to its end; what it printed is shown where it fails."""
    ended = project.run(command, **how)
    if check and ended.returncode:
        told = (ended.stdout + ended.stderr)[-4000:]
        raise SystemExit(f"{' '.join(command)}\nended with {ended.returncode}:\n{told}")
    return ended


def build_arguments(tag: str, given: Given, secrets: Secrets) -> list[str]:
    """What both kinds of engine are told of a build."""
    values = [f"--build-arg={name}={value}" for name, value in given.items() if value]
    mounted = [f"--secret=id={name},src={path}" for name, path in secrets.items()]
    return [f"--tag={tag}", *values, *mounted]


class Docker:
    """Docker, or Podman, which takes the same commands."""

    def __init__(self, name: str) -> None:
        self.name = name

    def base(self) -> None:
        """The engine pulls what the Dockerfile names."""

    def build(self, folder: Path, tag: str, *, given: Given, secrets: Secrets) -> None:
        arguments = build_arguments(tag, given, secrets)
        run(
            [self.name, "build", *arguments, str(folder)],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
        )

    def config(self, tag: str) -> dict[str, Any]:
        (found,) = json.loads(run([self.name, "image", "inspect", tag]).stdout)
        # Podman has the health check of an image beside its settings.
        return {"Healthcheck": found.get("HealthCheck"), **found["Config"]}

    def run(self, tag: str, environment: Environment) -> Container:
        settings = [f"--env={name}={value}" for name, value in environment.items()]
        port = environment["PORT"]
        closed = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        publish = f"--publish=127.0.0.1:{port}:{port}"
        began = time.monotonic()
        started = run([self.name, "run", "--detach", *closed, publish, *settings, tag])
        return DockerContainer(self.name, started.stdout.strip(), began)

    def save(self, tag: str, archive: Path) -> None:
        run([self.name, "save", f"--output={archive}", tag])


class DockerContainer:
    """A container of Docker's or Podman's."""

    main = 1

    def __init__(self, engine: str, identity: str, began: float) -> None:
        self._engine, self._identity, self.began = engine, identity, began

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        found: subprocess.CompletedProcess[str] = run(
            [self._engine, "exec", self._identity, *command], check=False
        )
        return found

    def stop(self) -> int:
        run([self._engine, "stop", f"--time={STOP_SECONDS}", self._identity])
        code = int(run([self._engine, "wait", self._identity]).stdout)
        run([self._engine, "rm", self._identity])
        return code


class Buildah:
    """Debian's Buildah, without an engine and without a registry."""

    name = "buildah"

    def __init__(self, storage: Path) -> None:
        folders = (f"--root={storage / 'images'}", f"--runroot={storage / 'run'}")
        self._command = ("buildah", *folders, "--storage-driver=vfs")

    def _run(self, *arguments: str, **how: Any) -> Any:
        return run([*self._command, *arguments], **how)

    def base(self) -> str:
        """Debian with its Python, made by debootstrap unless that was done before."""
        if not self._run("inspect", "--type=image", DEBIAN_BASE, check=False).returncode:
            return DEBIAN_BASE
        container = self._run("from", "scratch").stdout.strip()
        with tempfile.TemporaryDirectory(prefix="debian-") as folder:
            made = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", DEBIAN]
            run([*made, folder])
            for left in ("var/cache/apt/archives", "var/lib/apt/lists"):
                shutil.rmtree(Path(folder, left))
            self._run("add", "--quiet", container, folder, "/")
        self._run("config", f"--created-by={' '.join(made)}", container)
        self._run("commit", "--quiet", "--rm", container, DEBIAN_BASE)
        return DEBIAN_BASE

    def build(self, folder: Path, tag: str, *, given: Given, secrets: Secrets) -> None:
        # Docker's format, since OCI's has no health check.
        how = ("--isolation=chroot", "--format=docker", "--layers")
        self._run("bud", *how, *build_arguments(tag, given, secrets), str(folder))

    def config(self, tag: str) -> dict[str, Any]:
        found = json.loads(self._run("inspect", "--type=image", tag).stdout)
        config: dict[str, Any] = found["Docker"]["config"]
        return config

    def run(self, tag: str, environment: Environment) -> Container:
        config = self.config(tag)
        user, _, group = config["User"].partition(":")
        settings = [f"--env={name}={value}" for name, value in environment.items()]
        how = ["--isolation=chroot", "--user=0", "--cap-add=CAP_SYS_ADMIN", *settings]
        name = self._run("from", "--pull-never", tag).stdout.strip()
        closed = ["sh", "-c", AS_USER_ON_READ_ONLY_ROOT, "run", user, group, *config["Cmd"]]
        started = subprocess.Popen([*self._command, "run", *how, name, "--", *closed])
        return BuildahContainer(started, int(user), int(group), [*self._command, "rm", name])

    def save(self, tag: str, archive: Path) -> None:
        self._run("push", "--quiet", tag, f"docker-archive:{archive}")


class BuildahContainer:
    """A process below ``buildah run``, which is seen from outside."""

    def __init__(
        self, started: subprocess.Popen[bytes], user: int, group: int, removal: Sequence[str]
    ) -> None:
        self.began = time.monotonic()
        self._started, self._user, self._group, self._removal = started, user, group, removal
        self.main = self._wait_for_main()

    def _wait_for_main(self) -> int:
        while self._started.poll() is None and time.monotonic() - self.began < START_SECONDS:
            for process in descendants(self._started.pid):
                if user_of(process) == self._user:
                    return process
            time.sleep(0.01)
        self._started.kill()
        raise SystemExit(f"no process of user {self._user} came up in the container, see above")

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        where = [f"--target={self.main}", "--mount", "--root", "--wd"]
        who = [f"--setgid={self._group}", f"--setuid={self._user}"]
        text = Path(f"/proc/{self.main}/environ").read_text("utf-8")
        environment = dict(line.split("=", 1) for line in text.split("\0") if line)
        found: subprocess.CompletedProcess[str] = run(
            ["nsenter", *where, *who, "--", *command], check=False, env=environment
        )
        return found

    def stop(self) -> int:
        os.kill(self.main, signal.SIGTERM)
        try:
            return self._started.wait(STOP_SECONDS)
        finally:
            self._started.kill()
            run(self._removal)


def descendants(process: int) -> list[int]:
    """The processes below one, whichever of its threads started them."""
    children: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            children += map(int, listed.read_text("ascii").split())
    return [*children, *(below for child in children for below in descendants(child))]


def user_of(process: int) -> int | None:
    """The id of the user a process runs as; none where it has ended."""
    try:
        return Path(f"/proc/{process}").stat().st_uid
    except OSError:
        return None
