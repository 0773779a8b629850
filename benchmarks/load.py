"""Load by ``wrk``, which costs less than anything that it measures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from tools.release.project import run

SCRIPT = Path(__file__).with_name("wrk.lua")
MISSING = (
    "wrk is not on the PATH: servers were started, checked and weighed, but not put under load; "
    "install it (apt-get install wrk, brew install wrk) and run this again"
)


class LoadFailed(Exception):
    """Not every request was answered with success."""


class Load(NamedTuple):
    """Requests a second; seconds until the median and the 99th percentile of answers."""

    rate: float
    p50: float
    p99: float


def available() -> bool:
    """Whether ``wrk`` is installed."""
    return shutil.which("wrk") is not None


def load(url: str, bodies: Path, *, clients: int, seconds: int) -> Load:
    """Ask ``url`` for the lines of ``bodies`` for ``seconds``, ``clients`` at a time.

    Raises :class:`LoadFailed` when a single request fails.
    """
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["-s", str(SCRIPT), url, "--", str(bodies)]
    done = run(command)
    if done.returncode:
        raise LoadFailed(f"wrk ended with {done.returncode}: {done.stderr.strip()}")
    found = json.loads(done.stdout.splitlines()[-1])
    if found.pop("failed"):
        raise LoadFailed(f"requests failed under {clients} clients: {done.stdout.strip()}")
    return Load(**found)
