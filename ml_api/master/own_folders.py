"""Folders that gunicorn's master makes where none was named, in memory where there is some.

Each is locked by the master that made it, and goes with that master. Only the standard library is
imported here: the master runs this file, and must not load the application.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

PREFIX = "ml-api-"
MARK = ".made-by-ml-api"  # a file in each folder that was made here: only such folders are removed


def why_not_for_copies(folder: Path, artifact: str | None) -> str | None:
    """Return why copies of models cannot be kept in ``folder``, None where they can.

    They would become the current artifact there, in the place of ``artifact`` or of another model.
    ``copy_artifact`` of the package has the last word; this is asked before the service starts.
    """
    served = None if artifact is None else Path(artifact)
    with suppress(OSError):
        if served is not None and folder.samefile(served):
            return "it is the folder of the model that is served"
    if not folder.is_dir():
        return "it is a file" if folder.exists() else None
    found = next(filter(_is_foreign, sorted(folder.iterdir())), None)
    return None if found is None else f"it holds {found.name}, which the service did not copy there"


def _is_foreign(path: Path) -> bool:
    if path.name == "CURRENT":
        named = path.read_text("utf-8", "replace") if path.is_file() else ""
        return not named.startswith("regression_model-")
    if path.name.startswith("regression_model-"):
        return not (path / "ORIGIN").is_file()
    return not path.name.startswith(".") and path.name not in ("api-keys", "lost+found")


class OwnFolders:
    """The folders of one master, named to its workers in variables of ``environ``."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ
        self._locks: dict[str, int] = {}

    def provide(self, name: str, purpose: str) -> None:
        """Make a folder and name it in the variable ``name``, unless a folder is named there."""
        if name not in self._environ:
            self._environ[name], self._locks[name] = _make(f"{PREFIX}{purpose}-")

    def hide(self, environ: MutableMapping[str, str]) -> None:
        """Keep own folders out of a successor's ``environ``, so that it makes its own.

        gunicorn takes what is set here for the original environment once it has reloaded.
        """
        for name in self._locks:
            environ.pop(name, None)

    def leave(self) -> None:
        """Remove the folders that no other process uses."""
        for name, lock in self._locks.items():
            fcntl.flock(lock, fcntl.LOCK_UN)  # for workers that are left too: they inherited it
            _remove(Path(self._environ[name]))


def _make(prefix: str) -> tuple[str, int]:
    """Make and lock a folder; remove unlocked ones, which masters that were killed have left."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()  # noqa: S108
    for left in Path(memory).glob(f"{prefix}*"):
        _remove(left)
    made = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=memory))
    (made / MARK).touch()
    lock = _lock(made, fcntl.LOCK_SH)
    return str(made.rename(made.with_name(made.name.removeprefix(".")))), lock


def _remove(folder: Path) -> None:
    if not (folder / MARK).is_file():
        return
    with suppress(OSError):  # another user's, or in use
        lock = _lock(folder, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path, kind: int) -> int:
    """Lock a folder, for as long as the descriptor that is returned stays open."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
