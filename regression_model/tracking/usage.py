"""What a training takes of the machine, sampled while it runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

INTERVAL_SECONDS = 1.0  # seconds
_MEBIBYTE = 2**20


@dataclass
class Usage:
    """When it began and ended, in seconds since 1970; samples of such a time and a value, by name.

    Names are those that MLflow shows among system metrics.
    """

    started: float
    ended: float | None = None
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """As JSON, for another process."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Usage:
        """Return what :meth:`write` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


@contextmanager
def sampled() -> Iterator[Usage]:
    """Sample this process and the machine every second until the block is left, and at its end."""
    usage = Usage(time.time())
    process = psutil.Process()
    stopping = threading.Event()

    def sample() -> None:
        figures = {
            "system/process_cpu_percent": process.cpu_percent(),
            "system/process_memory_mebibytes": process.memory_info().rss / _MEBIBYTE,
            "system/machine_cpu_percent": psutil.cpu_percent(),
            "system/machine_memory_percent": psutil.virtual_memory().percent,
        }
        for name, value in figures.items():
            usage.samples.setdefault(name, []).append((time.time(), float(value)))

    def watch() -> None:
        while not stopping.wait(INTERVAL_SECONDS):
            sample()

    process.cpu_percent(), psutil.cpu_percent()  # they measure since the call before
    thread = threading.Thread(target=watch, name="usage", daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        stopping.set()
        thread.join()
        sample()
        usage.ended = time.time()
