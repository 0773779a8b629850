"""Saving is interrupted at every point; the current artifact must stay complete."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from regression_model.artifact import GRAPH, Artifact, open_artifact
from reliability.models import Content, content_of, copied
from reliability.scenario import Measured, Skipped, Trial, scenario
from reliability.service import import_path

# Point 1 makes a folder that exists already, where a failure changes nothing.
FIRST_CUT = 2
FEWEST_CUTS = 20


class Countdown:
    """Counts the operations that change the disk, and acts before the chosen one."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.left = at
        self.calls = 0
        self._act = act

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count while the block runs."""
        with (
            self._patched(os, "mkdir"),
            self._patched(os, "open"),
            self._patched(os, "fsync"),
            self._patched(os, "replace"),
            self._patched(os, "chmod"),
            self._patched(Path, "open"),
        ):
            yield

    def _patched(self, module: Any, name: str) -> Any:
        original = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            result = original(*args, **kwargs)
            return _Counted(result, self) if hasattr(result, "write") else result

        return patch.object(module, name, counted)

    def tick(self) -> None:
        """One operation is about to begin."""
        self.calls += 1
        if self.calls == self.left:
            self._act()


class _Counted:
    """An open file whose writes count, the first half of the bytes written before the cut."""

    def __init__(self, stream: Any, countdown: Countdown) -> None:
        self._stream, self._countdown = stream, countdown

    def write(self, content: bytes) -> int:
        half = len(content) // 2
        self._stream.write(content[:half])
        self._stream.flush()
        self._countdown.tick()
        return half + int(self._stream.write(content[half:]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder`` with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def faults_after_saving(root: Path, old: Artifact, *, strays: bool) -> Iterator[str]:
    """Yield what an interrupted saving at ``root`` did to the artifact that was current."""
    if contents(root / old.folder.name) != contents(old.folder):
        yield "the old artifact is not what it was"
    _, problems = open_artifact(root).verify()
    yield from problems
    left = [path.name for path in root.iterdir() if path.name.startswith(".")]
    if left and not strays:
        yield f"{left[0]} was left behind"
    saved = content_of(old, next=True).save(root)
    if {path.name for path in root.iterdir()} != {old.folder.name, saved.name, "CURRENT"}:
        yield "the next saving left something behind"
    if open_artifact(root).folder != saved:
        yield "the next saving is not current"


def _no_space() -> None:
    raise OSError(28, "No space left on device")


@scenario(
    "chaos",
    fault="disk full before each operation of a saving",
    promise="old artifact byte-identical, nothing stray, the next saving whole",
    full=1,
    short=1,
)
def full_while_saving(trial: Trial) -> Measured:
    """Fail every operation in turn, as a full disk would."""
    faults: list[str] = []
    old = trial.model.artifact
    content = content_of(old, next=True)
    for cut in count(FIRST_CUT):
        root = copied(old, trial.folder / str(cut))
        countdown = Countdown(cut, _no_space)
        refused = False
        with countdown.counting():
            try:
                content.save(root)
            except OSError:
                refused = True
        if countdown.calls < cut:
            break
        if not refused and open_artifact(root).folder == root / old.folder.name:
            faults.append(f"cut {cut}: neither saved nor refused")
        faults += [f"cut {cut}: {fault}" for fault in faults_after_saving(root, old, strays=False)]
    return _judged(cut - FIRST_CUT, faults, "failures")


@scenario(
    "chaos",
    fault="`kill -9` before each operation of a saving",
    promise="old artifact byte-identical; the next saving whole, and clears what was left",
    full=1,
    short=1,
)
def killed_while_saving(trial: Trial) -> Measured:
    """Kill a process that saves, at every operation in turn."""
    faults: list[str] = []
    old = trial.model.artifact
    done = subprocess.run(
        [sys.executable, "-c", "from reliability import saving; saving.killed_at_each_point()"],
        input=json.dumps([str(old.folder), str(trial.folder)]).encode(),
        env={**os.environ, "PYTHONPATH": import_path()},
        stdout=subprocess.PIPE,
        check=True,
    )
    codes = json.loads(done.stdout)
    if set(codes[:-1]) != {-signal.SIGKILL} or codes[-1] != 0:
        faults.append(f"processes ended otherwise: {codes}")
    for cut in range(FIRST_CUT, FIRST_CUT + len(codes) - 1):
        root = trial.folder / str(cut)
        faults += [f"cut {cut}: {fault}" for fault in faults_after_saving(root, old, strays=True)]
    return _judged(len(codes) - 1, faults, "kills")


def killed_at_each_point() -> None:
    """Save in one child after the other, each of which kills itself one operation later.

    Runs in a process of its own, which has no threads. Standard input names the old artifact
    and a folder; standard output receives the exit codes.
    """
    source, folder = json.loads(sys.stdin.read())
    old = open_artifact(source)
    content = content_of(old, next=True)
    codes = [-signal.SIGKILL]
    for cut in count(FIRST_CUT):
        if codes[-1] == 0:
            break
        root = copied(old, Path(folder) / str(cut))
        child = os.fork()
        if child == 0:
            with Countdown(cut, lambda: os.kill(os.getpid(), signal.SIGKILL)).counting():
                content.save(root)
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(codes[1:]))


def _judged(cuts: int, faults: list[str], what: str) -> Measured:
    if cuts < FEWEST_CUTS:
        faults.append(f"only {cuts} operations were found")
    damage = f"{len(faults)} with damage" if faults else "old artifact byte-identical after each"
    return Measured(f"{cuts} {what}: {damage}", faults, {"cuts": cuts})


@scenario(
    "chaos",
    fault="saving onto a file system that is full, and under a limit of file size",
    promise="refused with the system's reason; old artifact byte-identical, nothing stray",
    full=8,
    short=3,
)
def no_room_to_save(trial: Trial) -> Measured:
    """A small file system with room for a part of the artifact, more of it each time."""
    faults: list[str] = []
    refused = 0
    old = trial.model.artifact
    content = content_of(old, next=True)
    size = sum(len(content) for content in contents(old.folder).values())
    for turn in range(trial.count):
        room = size + (turn + 1) * size // (trial.count + 2)
        with small_disk(trial.folder / f"disk{turn}", room) as disk:
            root = copied(old, disk)
            refused += _refused(content, root)
            faults += _wrong_without_room(root, old, f"{turn}: full")
    for turn in range(trial.count):
        root = copied(old, trial.folder / f"limit{turn}")
        most = (turn + 1) * len(old.read(GRAPH)) // (trial.count + 2)
        with _file_size_limit(most):
            refused += _refused(content, root)
        faults += [f"limit: {one}" for one in faults_after_saving(root, old, strays=False)]
    if refused != 2 * trial.count:
        faults.append(f"{2 * trial.count - refused} savings were not refused")
    return Measured(
        f"{trial.count} full disks and {trial.count} limits: {refused} refused, "
        + (f"{len(faults)} with damage" if faults else "old artifact byte-identical"),
        faults,
        {"refused": refused},
    )


def _wrong_without_room(root: Path, old: Artifact, label: str) -> Iterator[str]:
    if contents(root / old.folder.name) != contents(old.folder):
        yield f"{label}: the old artifact is not what it was"
    if {path.name for path in root.iterdir()} != {old.folder.name, "CURRENT"}:
        yield f"{label}: something was left behind"


def _refused(content: Content, root: Path) -> bool:
    with suppress(OSError):
        content.save(root)
        return False
    return True


@contextmanager
def _file_size_limit(most: int) -> Iterator[None]:
    """No file of this process may grow beyond ``most`` bytes; a write fails, as Python asks."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of ``size`` bytes at ``folder``. Raises :class:`Skipped` without the rights."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise Skipped("a small file system is mounted by root on Linux")
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        raise Skipped(f"no file system could be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
