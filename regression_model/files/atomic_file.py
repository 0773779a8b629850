"""Files that appear whole or not at all.

A new file has the mode that the umask leaves, a replaced file keeps its own. Where the target is a
link, the file behind the link is replaced. Pipes and devices are written to, and never replaced.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from regression_model.errors import InvalidInput

_NEW_MODE = 0o666  # the system removes the bits of the umask
_PREFIX = ".writing-"
_DESCRIPTORS = Path("/proc/self/fd")
_REMEDIES = {
    errno.EACCES: "; allow writing there, or name another file",
    errno.EISDIR: "; name a file",
    errno.ELOOP: "; remove the link, or name another file",
    errno.ENOENT: "; make the folder first, or name another file",
    errno.ENOSPC: "; make room, or name a file on another disk",
    errno.EROFS: "; name a file on another disk",
}


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary file that takes the place of ``target`` once the file was written whole.

    If the system can, the file has no name until then: even if the process is killed, nothing is
    left. Raises :class:`InvalidInput` where ``target`` is protected, or the disk or the folder
    refuses; ``target`` is then as it was. For a pipe or a character device ``target`` itself is
    given, and what was written before an error stays written.
    """
    with _refusing(target):
        file = _file_behind(target)
        if file is None:
            yield target
            return
        with _temporary(file.parent) as temporary:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            _keep_mode(file, temporary)
            _move(temporary, file)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``target``, as :func:`replacing` does."""
    with replacing(target) as temporary:
        temporary.write_text(text, "utf-8")


def check_replaceable(target: Path) -> None:
    """Raise :class:`InvalidInput` where :func:`replacing` would, so that no work is lost."""
    with _refusing(target):
        file = _file_behind(target)
        if file is None:
            return
        if not file.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not may_write_into(file.parent):
            raise PermissionError(errno.EACCES, f"no file may be made in {file.parent}")


def may_write_into(folder: Path) -> bool:
    """Return whether this process may make files in ``folder``."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


@contextmanager
def _refusing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise InvalidInput(f"{target}: cannot be written: {reason}{remedy}") from error


def _file_behind(target: Path) -> Path | None:
    """Return the file to replace: ``target``, or what its links lead to; None: not a file.

    Links are followed by the system first, which refuses those that others left in ``/tmp``.
    """
    try:
        kind = target.stat().st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(target))
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        return None
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "this is a folder")
    if not stat.S_ISREG(kind):
        raise OSError(errno.EINVAL, "this is neither a file nor a pipe")
    _check_unprotected(target)
    file = Path(os.path.realpath(target))
    return file if file.exists() else None  # /dev/fd/3 may lead to a file without a name


def _check_unprotected(target: Path) -> None:
    """Refuse what may not be written to, although renaming another file over it would work."""
    try:
        os.close(os.open(target, os.O_WRONLY))
    except PermissionError:
        raise PermissionError(errno.EACCES, "the file is protected against writing") from None


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    descriptor = open_nameless(folder)
    if descriptor is not None:
        try:
            yield _DESCRIPTORS / str(descriptor)
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as own:  # private
        named = Path(own, "whole")
        named.touch(_NEW_MODE)
        yield named


def open_nameless(folder: Path) -> int | None:
    """Open a file in ``folder`` without a name (Linux, most file systems); else None."""
    if not hasattr(os, "O_TMPFILE") or not _DESCRIPTORS.is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, _NEW_MODE)
    except OSError:
        return None


def _keep_mode(old: Path, new: Path) -> None:
    """Give ``new`` the mode of an ``old`` file and, where that is allowed, its owner."""
    try:
        before = old.stat()
    except FileNotFoundError:
        return
    if hasattr(os, "chown"):
        with suppress(OSError):  # else what root replaces could not be read by its owner
            os.chown(new, before.st_uid, before.st_gid)
    new.chmod(stat.S_IMODE(before.st_mode) & 0o777)


def _move(temporary: Path, file: Path) -> None:
    if temporary.parent != _DESCRIPTORS:
        os.replace(temporary, file)
        return
    # A link never replaces a file: the link gets a name of its own, and is then renamed.
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=file.parent) as own:
        named = Path(own, "whole")
        descriptors = os.open(temporary.parent, os.O_RDONLY)
        try:  # without a folder's descriptor, Python would link to the symbolic link
            os.link(temporary.name, named, src_dir_fd=descriptors, follow_symlinks=True)
        finally:
            os.close(descriptors)
        os.replace(named, file)
