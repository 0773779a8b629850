"""What a process holds, from Linux's ``/proc``: bytes, descriptors, threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def resident(process: int) -> int:
    """Bytes of memory that it has now."""
    return _status(process, "VmRSS")


def threads(process: int) -> int:
    """How many threads it has."""
    return _status(process, "Threads", unit=1)


def descriptors(process: int) -> int:
    """How many files, pipes and sockets it holds open."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


@contextmanager
def peak_growth(process: int) -> Iterator[Callable[[], int]]:
    """By how many bytes memory rose above its start while the block ran, at its highest."""
    before = resident(process)
    Path(f"/proc/{process}/clear_refs").write_text("5")  # the highest so far is forgotten
    yield lambda: _status(process, "VmHWM") - before


def _status(process: int, name: str, unit: int = 1024) -> int:
    text = Path(f"/proc/{process}/status").read_text()
    (value,) = re.findall(rf"^{name}:\s+(\d+)", text, re.M)
    return int(value) * unit
