"""Servers over HTTP, side by side: start, memory, and requests under one client and eight."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.effort import Effort
from benchmarks.peers import House
from benchmarks.running import Running, ServerFailed

CLIENTS = (1, 8)
Say = Callable[[str], None]
FAILURES = (ServerFailed, load.LoadFailed, OSError, HTTPException)


@dataclass
class Contest:
    """The servers that still stand, what was measured of each, and why the others fell."""

    entrants: dict[str, Running]
    say: Say
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def each(self, do: Callable[[Running], None]) -> None:
        """Let every server ``do``; one that fails is stopped and left out from there on."""
        for name, running in list(self.entrants.items()):
            try:
                do(running)
            except FAILURES as error:
                self.failed[name] = str(error)
                self.say(f"  {name} is left out: {error}")
                self.entrants.pop(name).stop()

    def add(self, running: Running, figure: str, value: float) -> None:
        """Note one sample of a figure."""
        self.samples.setdefault(running.name, {}).setdefault(figure, []).append(value)


def measure(
    entrants: Sequence[Running],
    houses: Sequence[House],
    prices: Sequence[float],
    effort: Effort,
    *,
    work: Path,
    say: Say,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Samples of each server by figure, and why servers that have none failed.

    Figures: ``first_answer`` (seconds), ``worker`` and ``memory`` (bytes of the largest process
    and of all), ``rate_N`` (requests a second) and ``p50_N`` (seconds) for N clients.
    """
    contest = Contest({running.name: running for running in entrants}, say)
    try:
        contest.each(lambda running: running.prepare())
        _start(contest, houses, prices, effort)
        if load.available():
            _load(contest, houses, effort, work)
    finally:
        for running in contest.entrants.values():
            running.stop()
    return contest.samples, contest.failed


def _start(
    contest: Contest, houses: Sequence[House], prices: Sequence[float], effort: Effort
) -> None:
    """Start each server several times, the last time to stay; check its prices, weigh it."""

    def start(running: Running) -> None:
        running.stop()
        contest.add(running, "first_answer", running.start(houses[0]))
        running.verify(houses, prices)
        worker, everything = running.memory()
        contest.add(running, "worker", worker)
        contest.add(running, "memory", everything)

    for number in range(effort.starts):
        contest.say(f"start {number + 1} of {effort.starts}, every price checked")
        contest.each(start)


def _load(contest: Contest, houses: Sequence[House], effort: Effort, work: Path) -> None:
    bodies = {name: work / f"{name}.ndjson" for name in contest.entrants}
    for name, running in contest.entrants.items():
        lines = (json.dumps(running.server.body(house)) + "\n" for house in houses)
        bodies[name].write_text("".join(lines))

    def ask(clients: int, running: Running) -> None:
        seconds, requests = effort.wrk_seconds, bodies[running.name]
        found = load.load(running.url, requests, clients=clients, seconds=seconds)
        contest.add(running, f"rate_{clients}", found.rate)
        contest.add(running, f"p50_{clients}", found.p50)

    for number in range(effort.wrk_rounds):
        contest.say(f"load, round {number + 1} of {effort.wrk_rounds}")
        for clients in CLIENTS:
            contest.each(partial(ask, clients))
