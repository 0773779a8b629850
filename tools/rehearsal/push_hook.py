"""The git hook of the local platform: what was pushed is unpacked, and released by the platform."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

BRANCH = "refs/heads/main"
Say = Callable[[str], None]
Release = Callable[[str, Say], None]  # serves a commit, and says lines meanwhile


class Broken(Exception):
    """Why a push is refused."""


def make_repository(folder: Path, address: str, home: Path) -> None:
    """Make the git remote ``folder``, whose pushes go to the platform in ``home``."""
    command = ["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(folder)]
    subprocess.run(command, check=True)
    hook = folder / "hooks" / "pre-receive"
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{address}" "{home}"\n')
    hook.chmod(0o755)


def listen(release: Release, listener: Listener) -> None:
    """Release what the hook asks for, one after another."""
    with suppress(OSError):  # the platform ends
        while True:
            with listener.accept() as hook:
                answer(release, hook)


def answer(release: Release, hook: Connection) -> None:
    """Send lines while a release is made, then None, or what prevents the release."""
    try:
        release(hook.recv(), lambda line: hook.send(("said", line)))
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


if __name__ == "__main__":
    received(sys.argv[1], Path(sys.argv[2]))
