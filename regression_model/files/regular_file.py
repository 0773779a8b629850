"""Reading files of unknown content: regular ones, of a bounded size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 1024**3  # a file of an artifact; a graph takes a megabyte, a million sales 400


def read_regular_file(path: Path, *, most: int = MAX_BYTES) -> bytes:
    """Return the bytes of a regular file that holds at most ``most`` bytes.

    Raises :class:`OSError` for anything else: a FIFO or a device could keep its reader waiting for
    ever. A link to a regular file is followed.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer. Windows has no such flag.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        stream = os.fdopen(descriptor, "rb", closefd=False)
        content = stream.read(most + 1) if found.st_size <= most else b""
        if found.st_size > most or len(content) > most:
            raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes")
        return content
    finally:
        os.close(descriptor)
