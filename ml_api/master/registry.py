"""A model out of an MLflow registry: what gunicorn's master does for it.

A watcher beside the workers asks the registry (``registry_watcher.py``); here it is started, and
started again where it ended. Only the standard library is imported: the master runs this file,
and must load neither the application nor MLflow.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

ADDRESSES = ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")
PULL = (sys.executable, "-P", "-m", "regression_model", "registry", "pull")
WATCHER = Path(__file__).with_name("registry_watcher.py")
PATIENCE = 5.0  # seconds that a watcher has to end
NAME = re.compile(r"regression_model-[A-Za-z0-9_+.-]+", re.ASCII)  # of an artifact's folder
LONGEST_NOTE = 4096  # bytes
AT_ONCE = 1.0  # seconds: a watcher that lives no longer is not started again and again


def missing(environ: Mapping[str, str]) -> str | None:
    """What has to be there before a model can be pulled, None where all of it is."""
    if not any(environ.get(name) for name in ADDRESSES):
        return f"the address of its registry in {' or '.join(ADDRESSES)}"
    library = find_spec("mlflow")
    if library is None or library.origin is None:  # a folder that happens to have its name
        return "MLflow to be installed: it comes with the extra [registry] of the package"
    return None


def in_force(folder: Path) -> str:
    """Which version a folder of pulled models has in force, empty where there is none."""
    artifact = _note(folder / "CURRENT")
    if not NAME.fullmatch(artifact):
        return ""
    origin = _note(folder / artifact / "ORIGIN")
    return f"{origin} {artifact}" if origin else ""


def _note(path: Path) -> str:
    """The line in a small regular file, empty where there is none."""
    try:
        if path.is_file() and path.stat().st_size <= LONGEST_NOTE:
            return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        pass
    return ""


class Watch:
    """The watcher of this process, which asks at once and then from time to time.

    It is told which version is in force now, before workers load it: where the registry names
    another, this process gets SIGHUP.
    """

    def __init__(self, folder: str, command: Sequence[str]) -> None:
        self._served = in_force(Path(folder))
        self._command = command
        self._start()

    def _start(self) -> None:
        read, self._pipe = os.pipe()
        self._began = time.monotonic()
        given = [str(os.getpid()), self._served, *self._command]
        try:
            # A session of its own: what a terminal sends is for the master to act on.
            process = subprocess.Popen(
                [sys.executable, "-P", str(WATCHER), *given], stdin=read, start_new_session=True
            )
        except OSError:  # no memory, no room for a process: as if it had ended at once
            return
        finally:
            os.close(read)
        process.returncode = 0  # gunicorn waits for every child, so there is nothing to wait for

    def revive(self) -> bool:
        """Start the watcher again where it has ended; whether it was."""
        if not self._ended() or time.monotonic() - self._began < AT_ONCE:
            return False
        self.end()
        self._start()
        return True

    def end(self) -> None:
        """Have it end, or, in a worker, have nothing to do with it: it lives while this is open."""
        os.close(self._pipe)

    def end_and_wait(self) -> None:
        """Have it end, with what it has begun, so that nothing is pulled from now on."""
        with suppress(OSError):
            os.write(self._pipe, b"\n")
        self._ended(within=PATIENCE)
        self.end()

    def _ended(self, *, within: float = 0) -> bool:
        """Nobody reads the pipe any more."""
        poll = select.poll()
        poll.register(self._pipe, 0)
        return bool(poll.poll(within * 1000))
