"""Where the lines of the log go: to functions that take a line of ASCII, or raise ``OSError``."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable

Output = Callable[[bytes], None]

# How long a line waits for a reader of the log that has fallen behind.
PATIENCE_SECONDS = 1.0


def standard_output(line: bytes) -> None:
    """Write to the present ``sys.stdout``, which may be missing."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    try:
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()
    except ValueError as error:  # what Python says of a closed file
        raise OSError(str(error)) from error


class Descriptor:
    """To a descriptor, whose reader may be slow, and may stop, without stopping the service.

    A full pipe holds a line up for a second; if there is no reader by then, lines are dropped until
    there is one again. A line that was written in part is completed before the next.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = _without_waiting(descriptor)
        self._rest = b""
        self._patient = True

    def __call__(self, line: bytes) -> None:
        if self._rest:
            self._rest = self._write(self._rest)
            if self._rest:
                raise BlockingIOError("the previous line is still unfinished")
        data = line + b"\n"
        rest = self._write(data)
        if len(rest) == len(data):
            raise BlockingIOError("nothing can be written")
        self._rest = rest

    def _write(self, data: bytes) -> bytes:
        """Write as much as there is room for, and return what is left."""
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
                self._patient = True
            except BlockingIOError:
                if not self._patient:
                    break
                self._patient = self._wait()
            except OSError:  # a full disk, a pipe without a reader
                break
        return data

    def _wait(self) -> bool:
        """Return whether there was room in time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(PATIENCE_SECONDS * 1000))


def _without_waiting(descriptor: int) -> int:
    """Open a pipe again: "write without waiting" would affect all who share it otherwise."""
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        try:
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # not Linux, or the pipe is another user's
            return descriptor
    return descriptor


def rotating_file(path: str, *, when: str, keep: int) -> Output:
    """To a file that all workers write to, renamed at each turn of ``when`` (UTC).

    ``when`` is a unit of ``logging.handlers.TimedRotatingFileHandler``; of the renamed files, the
    newest ``keep`` stay, with 0 all of them.
    """
    from logging import INFO, LogRecord

    from concurrent_log_handler import ConcurrentTimedRotatingFileHandler

    def fail(record: LogRecord) -> None:
        raise OSError(f"{path} cannot be written") from sys.exception()

    handler = ConcurrentTimedRotatingFileHandler(
        path, when=when, backupCount=keep, utc=True, encoding="ascii"
    )
    handler.handleError = fail  # type: ignore[method-assign]  # it would print and go on
    return lambda line: handler.emit(LogRecord("ml_api", INFO, "", 0, line.decode(), None, None))
