"""The service as a child process: started, signalled, and asked whether a reload is over."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from regression_model.registry.parent_death import signal_at_parent_death

LONGEST_RELOAD_SECONDS = 30.0  # old workers have 20 to finish their requests
_READY = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_ANSWER_SECONDS = 1.0


class ServiceProcess:
    """A command that serves on ``port`` of this machine; SIGHUP makes it reload its workers.

    A start counts as a reload too: SIGHUP would end a program that does not expect it yet.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], *, port: int) -> None:
        self._command, self._environ, self._port = command, environ, port
        self._process: subprocess.Popen[bytes] | None = None
        self._old_workers: set[int] | None = set()
        self._reloading_until = 0.0

    def start(self) -> None:
        """Start the command; it gets SIGTERM should this process be killed."""
        self._reloading_until = time.monotonic() + LONGEST_RELOAD_SECONDS
        self._process = subprocess.Popen(
            self._command,
            env=self._environ,
            preexec_fn=signal_at_parent_death(signal.SIGTERM),
        )

    def exit_code(self) -> int | None:
        """Return the exit code as shells count (128 + n for signal n), None while it runs."""
        code = None if self._process is None else self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def send(self, number: int) -> None:
        """Send a signal to the service, if it was started and still runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def reload(self) -> None:
        """Have the service replace its workers."""
        self._old_workers = self._workers()
        self._reloading_until = time.monotonic() + LONGEST_RELOAD_SECONDS
        self.send(signal.SIGHUP)

    def is_reloading(self) -> bool:
        """Tell whether old workers are left or the service is not ready, for 30 seconds at most.

        Two reloads that overlap make clients wait twice as long.
        """
        if self._reloading_until and self._has_reloaded():
            self._reloading_until = 0.0
        return time.monotonic() < self._reloading_until

    def stop(self) -> None:
        """End the service where it still runs, and wait until it has answered what it has."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _has_reloaded(self) -> bool:
        workers = self._workers()
        if workers is None or self._old_workers is None:
            return False
        return not self._old_workers & workers and self._is_ready()

    def _workers(self) -> set[int] | None:
        """Return the child processes of the service, None where the system does not tell."""
        pid = self._process.pid if self._process is not None else 0
        try:
            return {*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())}
        except OSError:
            return None

    def _is_ready(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(
                ("127.0.0.1", self._port), timeout=_ANSWER_SECONDS
            ) as connection,
        ):
            connection.sendall(_READY)
            return connection.recv(12) == b"HTTP/1.1 200"
        return False
