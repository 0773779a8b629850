"""The highest memory of a process, from Linux's ``/proc``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEBIBYTE = 2**20


@contextmanager
def peak_growth(process: psutil.Process) -> Iterator[Callable[[], int]]:
    """By how many bytes memory rose above its start while the block ran, at its highest."""
    before = process.memory_info().rss
    files = Path(f"/proc/{process.pid}")
    (files / "clear_refs").write_text("5")  # the highest so far is forgotten
    peak = re.compile(r"VmHWM:\s+(\d+)")
    yield lambda: 1024 * int(peak.findall((files / "status").read_text())[0]) - before
