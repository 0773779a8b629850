"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regression_model.errors import InvalidInput


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file that takes the place of ``target`` once it was written whole.

    Where the system can, it has no name until then: whatever ends the process, nothing is left.
    Raises :class:`InvalidInput` where the disk or the folder refuses; ``target`` is then as it was.
    """
    try:
        with _temporary(target) as temporary:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            _move(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(f"{target}: cannot be written: {reason}") from error


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    descriptor = _open_nameless(target.parent)
    if descriptor is not None:
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    descriptor, name = tempfile.mkstemp(target.suffix, f".{target.name}-", target.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _open_nameless(folder: Path) -> int | None:
    """A file in ``folder`` without a name (Linux, most file systems); else None."""
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        return None


def _move(temporary: Path, target: Path) -> None:
    if temporary.parent == target.parent:
        os.replace(temporary, target)
        return
    beside = tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent)
    with beside as folder:  # a link never replaces a file
        named = Path(folder, "whole")
        descriptors = os.open(temporary.parent, os.O_RDONLY)
        try:  # without a folder's descriptor, Python would link to the symbolic link
            os.link(temporary.name, named, src_dir_fd=descriptors, follow_symlinks=True)
        finally:
            os.close(descriptors)
        os.replace(named, target)
