"""A service that follows a registry: the model is pulled, served, and pulled again when it moves.

The process that follows is the parent of the service. The service knows a folder only; a pull is a
process of its own. So one tree of processes is all that a platform has to start and to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Protocol

from regression_model.artifact import origin_of
from regression_model.errors import RegistryFailed
from regression_model.registry.folder import Pulled, held_artifact
from regression_model.registry.pull_process import LIMIT_SECONDS
from regression_model.registry.service_process import ServiceProcess
from regression_model.registry.signal_relay import SignalRelay
from regression_model.registry.versions import Named

# A start with a model at hand waits no longer for a registry that hangs.
FIRST_LIMIT_SECONDS = 15.0
FIRST_RETRY_SECONDS = 2.0  # doubled with each failure, up to the interval of polls
LONGEST_RETRY_SECONDS = 60.0  # where there are no polls
LOOK_SECONDS = 0.2  # between two looks at a reload that is under way

Log = Callable[..., None]  # log(level, event, **fields)


class Pull(Protocol):
    """Pulls once, and calls ``tick`` meanwhile; raises RegistryFailed, or what ``tick`` raises."""

    def __call__(self, *, tick: Callable[[], None], limit: float) -> Pulled: ...


class _Ending(Exception):
    """The service has ended or is about to: nothing is pulled any more."""


class Follower:
    """Serves what ``named`` means at the registry, in ``folder``, and asks every few seconds.

    With ``every`` 0 the registry is asked at the start and on SIGHUP only.
    """

    def __init__(
        self,
        named: Named,
        folder: Path,
        *,
        pull: Pull,
        service: ServiceProcess,
        every: int,
        log: Log,
    ) -> None:
        self._named, self._folder = named, folder
        self._pull, self._service = pull, service
        self._every, self._log = every, log
        self._served = ("", "")  # origin and artifact that the workers were started with
        self._failures: list[str] = []
        self._reload_due = False
        self._ask_at = 0.0

    def run(self) -> int:
        """Follow until the service ends, and return its exit code.

        Raises :class:`RegistryFailed` where there is no model to start with.
        """
        with SignalRelay(self._service) as self._signals:
            try:
                self._start()
                return self._follow()
            except _Ending:  # before there was a service
                return 128 + self._signals.ending
            finally:
                self._service.stop()

    def _start(self) -> None:
        held = self._held()
        limit = LIMIT_SECONDS if held is None else FIRST_LIMIT_SECONDS
        try:
            found = self._pull(tick=self._tick, limit=limit)
        except RegistryFailed as error:
            if held is None:
                raise RegistryFailed(
                    f"{error}; nothing is started, since {self._folder} holds no model of "
                    f"{self._named.name}"
                ) from error
            found = held
            told = {"origin": held.origin, "artifact": held.artifact, "reason": str(error)}
            self._log("warning", "model.last_good_served", **told)
            self._plan(self._failed(str(error)))
        else:
            self._log("info", "model.pulled", origin=found.origin, artifact=found.artifact)
            self._plan(self._every or inf)
        self._served = (found.origin, found.artifact)
        self._tick()  # a signal to end that arrived meanwhile comes first
        self._service.start()
        if self._signals.ending:  # it came in between
            self._service.send(self._signals.ending)

    def _held(self) -> Pulled | None:
        """Return what the folder holds of the model that is asked for."""
        held = held_artifact(self._folder)
        if held is None or not origin_of(held).startswith(f"models:/{self._named.name}/"):
            return None
        return Pulled(origin_of(held), held.folder.name, changed=False)

    def _follow(self) -> int:
        while (code := self._service.exit_code()) is None:
            try:
                self._tick()
                if time.monotonic() >= self._ask_at:
                    self._plan(self.ask())
                self._signals.wait(self._pause())
            except _Ending:
                self._signals.wait(1.0)
        return code

    def _pause(self) -> float:
        if self._reload_due:
            return LOOK_SECONDS
        return min(max(0.0, self._ask_at - time.monotonic()), 3600.0)

    def _plan(self, seconds: float) -> None:
        self._ask_at = time.monotonic() + seconds

    def _tick(self) -> None:
        """Reload the service if that is due; raises ``_Ending`` where the service ends."""
        if self._signals.ending or self._service.exit_code() is not None:
            raise _Ending
        if self._signals.reload_asked:
            self._signals.reload_asked = False
            self._reload_due = True
            self._ask_at = 0.0
        if self._reload_due and not self._service.is_reloading():
            self._reload_due = False
            self._service.reload()

    def ask(self) -> float:
        """Pull, have the service reload what is new, and return the seconds until the next pull."""
        try:
            found = self._pull(tick=self._tick, limit=LIMIT_SECONDS)
        except RegistryFailed as error:
            if str(error) not in self._failures:  # its repetitions are no news
                self._log("error", "model.pull_failed", reason=str(error))
            return self._failed(str(error))
        if self._failures:
            self._log("info", "model.pull_recovered", failures=len(self._failures))
            self._failures.clear()
        if (found.origin, found.artifact) != self._served:
            self._served = (found.origin, found.artifact)
            self._log("info", "model.pulled", origin=found.origin, artifact=found.artifact)
            self._reload_due = True
        return self._every or inf

    def _failed(self, reason: str) -> float:
        """Note a failure, and return the seconds until the next pull."""
        self._failures.append(reason)
        del self._failures[:-1000]
        doublings = min(len(self._failures) - 1, 10)
        pause = FIRST_RETRY_SECONDS * 2.0**doublings
        return min(pause, self._every or LONGEST_RETRY_SECONDS)
