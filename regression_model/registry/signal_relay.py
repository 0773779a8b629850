"""Pass signals of a process on to the service that it started, as soon as they arrive."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

from regression_model.registry.service_process import ServiceProcess

ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
PASSED_ON = ENDING | {signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}


class SignalRelay:
    """Passes signals on to ``service`` while the block runs.

    ``ending`` is the signal that ends the service, 0 before there is one. SIGHUP is not passed on
    but noted in ``reload_asked``, since a reload may have to wait for the one before it.
    """

    def __init__(self, service: ServiceProcess) -> None:
        self.ending = 0
        self.reload_asked = False
        self._service = service
        self._before: dict[int, Any] = {}

    def __enter__(self) -> SignalRelay:
        self._woken, waking = os.pipe()
        for end in (self._woken, waking):
            os.set_blocking(end, False)
        self._waking_before = signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        for number in PASSED_ON | {signal.SIGHUP, signal.SIGCHLD}:
            self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(signal.set_wakeup_fd(self._waking_before))
        os.close(self._woken)

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``, or as soon as a signal arrives: that of an ended child too."""
        select.select([self._woken], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if number in ENDING:
            self.ending = number
        if number == signal.SIGHUP:
            self.reload_asked = True
        elif number in PASSED_ON:
            self._service.send(number)
