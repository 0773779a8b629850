"""What a scenario is, and what it is given and gives back."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reliability.models import Priced, priced, save_another
from reliability.service import Service, running
from tools.measuring.load import Answers, Load


class Skipped(Exception):
    """The fault cannot be made on this machine; says what it lacks."""


@dataclass(frozen=True)
class Measured:
    """What was found: in words, as numbers, and all that contradicts the promise."""

    figure: str
    faults: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """What a scenario runs with: a model, a folder of its own, and how often.

    ``strict`` asks for the promised seconds; without it, on a machine that does other things at
    the same time, a limit of seconds only keeps a hanging scenario from going on for ever.
    """

    artifact: Path
    folder: Path
    count: int
    strict: bool = True

    @cached_property
    def model(self) -> Priced:
        """The model of ``artifact`` with the prices of its own houses."""
        return priced(self.artifact)

    def serve(self, artifact: Path | None = None, **given: Any) -> AbstractContextManager[Service]:
        """The service on ``artifact`` (see :func:`reliability.service.running`)."""
        return running(artifact or self.artifact, self.folder, **given)

    def load(self, service: Service, **options: Any) -> Load:
        """Clients that ask ``service`` for the houses of the model."""
        return Load(service.port, self.model.houses, self.model.by_version, **options)

    def ask(self, service: Service) -> Answers:
        """What became of ``count`` requests, the houses of the model in turn."""
        with self.load(service, most=self.count) as load:
            return load.join()

    def newer(self) -> Priced:
        """A second sound model, of another version and with other prices."""
        folder = self.folder / "newer"
        save_another(self.model.artifact, folder, version="9.9.9", factor=1.1)
        return priced(folder)

    def seconds(self, promised: float) -> float:
        """The limit of something that is promised within so many seconds."""
        return promised if self.strict else 30.0


@dataclass(frozen=True)
class Scenario:
    """A fault, the promise about it, and the function that measures both.

    ``full`` and ``short`` are the numbers of runs, requests or cases: for the published figures,
    and for the tests.
    """

    name: str
    group: str
    fault: str
    promise: str
    run: Callable[[Trial], Measured]
    full: int
    short: int


@dataclass(frozen=True)
class Result:
    """A scenario that was run: ``outcome`` is passed, failed or skipped."""

    scenario: Scenario
    outcome: str
    measured: Measured
    count: int
    seconds: float


REGISTERED: dict[str, Scenario] = {}


def scenario(
    group: str, *, fault: str, promise: str, full: int, short: int
) -> Callable[[Callable[[Trial], Measured]], Callable[[Trial], Measured]]:
    """Make a scenario of a function, under the function's name."""

    def register(run: Callable[[Trial], Measured]) -> Callable[[Trial], Measured]:
        name = run.__name__.replace("_", "-")
        REGISTERED[name] = Scenario(name, group, fault, promise, run, full, short)
        return run

    return register


def perform(chosen: Scenario, artifact: Path, *, short: bool, count: int | None = None) -> Result:
    """Run a scenario in a folder of its own, which is removed."""
    count = count or (chosen.short if short else chosen.full)
    began = time.monotonic()
    with _own_folder() as folder:
        try:
            measured = chosen.run(Trial(artifact, folder, count, strict=not short))
            outcome = "failed" if measured.faults else "passed"
        except Skipped as skipped:
            measured, outcome = Measured(f"not measured: {skipped}"), "skipped"
        except Exception as error:  # one scenario that breaks off keeps none from being run
            told = f"broke off: {type(error).__name__}: {error}"
            measured, outcome = Measured(told, [traceback.format_exc()]), "failed"
    return Result(chosen, outcome, measured, count, time.monotonic() - began)


@contextmanager
def _own_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="reliability-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
