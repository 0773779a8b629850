"""Sums that outlive the worker that made them, in memory that all workers share.

gunicorn's master makes one file without a name (``gunicorn.conf.py``) and every worker inherits it.
Each worker locks a slot of it, the first that no other process holds, and adds to what is there:
the process that held it before has ended, and its counts stay. The kernel releases the lock
when its holder ends, even if it was killed: there is a slot for each worker of the busiest time.

Without such a file the sums lie in the memory of the process. Only the standard library is
imported here, because ``gunicorn.conf.py`` runs this file in the master.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

SLOTS = 1024  # twice the most workers: at a reload, old and new ones live side by side
SLOT_BYTES = 32 * 1024
# A slot: how many bytes of names are in use; a note; names, one a line; doubles.
NOTE = slice(8, 512)
NAMES = slice(512, 24 * 1024)
VALUES = slice(24 * 1024, SLOT_BYTES)
SPILL = 128  # the last doubles: for what finds no room, and is not read
MAX_VALUES = (SLOT_BYTES - VALUES.start) // 8 - SPILL
# Before the slots: what this file is, and a byte for each slot that was ever used.
MARK = b"ml-api counters 1\n"
USED = mmap.PAGESIZE - SLOTS
START = mmap.PAGESIZE

_LOCK = struct.Struct("hhqqi")  # struct flock, as Linux has it


class Series(NamedTuple):
    """A sum and its name; for a histogram with upper bounds, counts by bucket and the total."""

    family: str
    labels: dict[str, str]
    bounds: tuple[float, ...]
    values: list[float]


class Counters:
    """Doubles by name. To add: hold ``lock``, then ``values[index] += amount``."""

    def __init__(self, shared: int | None = None) -> None:
        """``shared`` is the file of ``share``. Raises ``OSError`` where it has no slot to give."""
        self.lock = Lock()
        self._shared = shared
        self._known: dict[bytes, int] = {}
        if shared is None:
            self._own, self._memory = 0, memoryview(bytearray(START + SLOT_BYTES))
        else:
            self._own, self._memory = _take(shared)
        self._memory[USED + self._own] = 1
        self._slot = self._memory[_place(self._own)]
        self.values = self._slot[VALUES].cast("d")
        self._next = 0
        for line, index, width in _lines(_names(self._slot)):
            self._known[line] = index
            self._next = index + width
        self.note({})

    def index(self, family: str, bounds: tuple[float, ...] = (), **labels: str) -> int:
        """Return the place of a sum: of its value, or of its buckets and then its total."""
        line = json.dumps([family, labels, bounds], separators=(",", ":")).encode()
        with self.lock:
            if line not in self._known:
                self._known[line] = self._name(line, _width(bounds))
            return self._known[line]

    def note(self, fields: dict[str, str]) -> None:
        """What is to be known of this process while it lives."""
        text = json.dumps(fields).encode()
        size = NOTE.stop - NOTE.start
        self._slot[NOTE] = (text if len(text) <= size else b"{}").ljust(size, b"\0")

    def read(self) -> Iterator[Series]:
        """Yield the sums of all processes, ended ones included; a name may come more than once."""
        for slot in self._used():
            memory = self._memory[_place(slot)]
            values: list[float] = [*memory[VALUES].cast("d")]
            for line, index, width in _lines(_names(memory)):
                family, labels, bounds = json.loads(line)
                yield Series(family, labels, tuple(bounds), values[index : index + width])

    def processes(self) -> dict[int, tuple[int, dict[str, str]]]:
        """Return the process that holds each slot now, and its note."""
        found = {}
        for slot in self._used():
            pid = os.getpid() if slot == self._own else _holder(self._shared, slot)
            if pid:
                text = bytes(self._memory[_place(slot)][NOTE]).rstrip(b"\0")
                try:
                    found[slot] = (pid, json.loads(text))
                except ValueError:  # it is being written
                    found[slot] = (pid, {})
        return found

    def _used(self) -> list[int]:
        if self._shared is None:
            return [self._own]
        return [slot for slot, used in enumerate(self._memory[USED : USED + SLOTS]) if used]

    def _name(self, line: bytes, width: int) -> int:
        start = _used_bytes(self._slot)
        end = start + len(line) + 1
        if self._next + width > MAX_VALUES or NAMES.start + end > NAMES.stop:
            return MAX_VALUES  # labels are bounded, so this is rare; no request fails
        self._slot[NAMES.start + start : NAMES.start + end] = line + b"\n"
        self._slot[:8] = struct.pack("q", end)  # last: readers meet whole lines only
        index = self._next
        self._next += width
        return index


def share() -> int:
    """Make the file that workers are to share: its descriptor. Raises ``OSError``."""
    try:
        shared = os.memfd_create("ml-api-counters")
    except (AttributeError, OSError):  # not on Linux, or forbidden
        shared, path = tempfile.mkstemp(prefix="ml-api-counters-")
        Path(path).unlink()
    os.ftruncate(shared, START + SLOTS * SLOT_BYTES)
    os.pwrite(shared, MARK, 0)
    return shared


def is_shared(descriptor: str) -> bool:
    """Return whether this is the number of a file that ``share`` made."""
    try:
        return os.pread(int(descriptor), len(MARK), 0) == MARK
    except (ValueError, OverflowError, OSError):
        return False


def _take(shared: int) -> tuple[int, memoryview]:
    """Lock the first free slot: its number, and the whole of the memory."""
    import fcntl  # which Windows lacks, where nothing is shared

    for slot in range(SLOTS):
        try:
            fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except (BlockingIOError, PermissionError):
            continue
        # Memory that is not there when it is written to would end the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(shared, 0, START)
            os.posix_fallocate(shared, START + slot * SLOT_BYTES, SLOT_BYTES)
        # One map for good: closing any map or descriptor of the file would release the lock.
        return slot, memoryview(mmap.mmap(shared, START + SLOTS * SLOT_BYTES))
    raise OSError(f"all {SLOTS} slots are taken")


def _holder(shared: int | None, slot: int) -> int:
    """Return the process that has locked a slot, 0 where there is none or no way to know."""
    if shared is None or sys.platform != "linux":
        return 0
    import fcntl

    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
    kind, _, _, _, pid = _LOCK.unpack(fcntl.fcntl(shared, fcntl.F_GETLK, asked))
    return 0 if kind == fcntl.F_UNLCK else int(pid)


def _place(slot: int) -> slice:
    return slice(START + slot * SLOT_BYTES, START + (slot + 1) * SLOT_BYTES)


def _used_bytes(slot: memoryview) -> int:
    (used,) = struct.unpack("q", slot[:8])
    return int(used)


def _names(slot: memoryview) -> bytes:
    return bytes(slot[NAMES.start : NAMES.start + _used_bytes(slot)])


@lru_cache(maxsize=64)
def _lines(names: bytes) -> tuple[tuple[bytes, int, int], ...]:
    """Return each name with the index of its first value and how many it has."""
    found, index = [], 0
    for line in names.splitlines():
        width = _width(json.loads(line)[2])
        found.append((line, index, width))
        index += width
    return tuple(found)


def _width(bounds: tuple[float, ...]) -> int:
    return len(bounds) + 2 if bounds else 1
