"""When a registry is asked again, and what is told of failures: decided without a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from regression_model.errors import RegistryFailed
from regression_model.registry.folder import Pulled
from regression_model.registry.follow import Follower
from regression_model.registry.service_process import ServiceProcess
from regression_model.registry.versions import parse_uri

Line = tuple[str, str, Mapping[str, Any]]
A, B = Pulled("models:/m/1", "m-1", True), Pulled("models:/m/2", "m-2", True)


def follower(
    folder: Path, outcomes: list[object], *, every: int = 60
) -> tuple[Follower, list[Line]]:
    """A follower whose pulls come to what is given, and the lines that it logs."""
    lines: list[Line] = []

    def pull(*, tick: Callable[[], None], limit: float) -> Pulled:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Pulled):
            return outcome
        raise RegistryFailed(str(outcome))

    made = Follower(
        parse_uri("models:/m@champion"),
        folder,
        pull=pull,
        service=ServiceProcess([], {}, port=0),
        every=every,
        log=lambda level, event, **fields: lines.append((level, event, fields)),
    )
    return made, lines


def test_a_reason_is_told_once_until_it_has_recovered(tmp_path: Path) -> None:
    it, lines = follower(tmp_path, ["down", "down", "odd", "down", A, B, B, "down"])
    for _ in range(8):
        it.ask()

    told = [
        (level, event, fields.get("reason") or fields.get("origin"))
        for level, event, fields in lines
    ]
    assert told == [
        ("error", "model.pull_failed", "down"),
        ("error", "model.pull_failed", "odd"),
        ("info", "model.pull_recovered", None),
        ("info", "model.pulled", "models:/m/1"),
        ("info", "model.pulled", "models:/m/2"),
        ("error", "model.pull_failed", "down"),
    ]


@pytest.mark.parametrize(
    ("every", "pauses"),
    [
        (60, [2, 4, 8, 16, 32, 60, 60]),
        (3600, [2, 4, 8, 16, 32, 64, 128]),
        (5, [2, 4, 5, 5, 5, 5, 5]),
        (1, [1] * 7),
        (0, [2, 4, 8, 16, 32, 60, 60]),
    ],
)
def test_failures_are_retried_soon_then_as_often_as_polls(
    tmp_path: Path, every: int, pauses: list[float]
) -> None:
    it, _ = follower(tmp_path, ["down"] * 7, every=every)

    assert [it.ask() for _ in range(7)] == pauses


def test_without_polls_a_success_is_the_last(tmp_path: Path) -> None:
    assert follower(tmp_path, [A], every=0)[0].ask() == float("inf")
