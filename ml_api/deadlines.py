"""An end to reading from clients that send slowly.

A read of a socket returns only when it has what was asked for, and a client that sends a byte now
and then holds its thread. A second thread, made with the first deadline, ends such reads.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

TICK_SECONDS = 0.25


class Deadlines:
    """Sockets that are being read, and until when."""

    def __init__(self) -> None:
        self._until: dict[socket.socket, float] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self, sock: socket.socket, seconds: float) -> None:
        """After ``seconds``, ``sock`` has nothing more to read, even if its client sends more."""
        self._until[sock] = time.monotonic() + seconds
        if self._thread is None:
            self._start()

    def passed(self, sock: socket.socket) -> bool:
        """Return whether reading was ended; asked before ``end``."""
        return sock not in self._until

    def end(self, sock: socket.socket) -> None:
        """Reading is done; the next may take as long as it likes."""
        self._until.pop(sock, None)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            for sock, until in list(self._until.items()):
                # The thread that takes it out decides: a read that has just ended is not cut off.
                if until <= now and self._until.pop(sock, None) is not None:
                    with suppress(OSError):
                        # Only the reading half: there is still an answer to send. Not the method
                        # of a TLS socket, which would send it in the clear.
                        socket.socket.shutdown(sock, socket.SHUT_RD)
