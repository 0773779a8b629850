"""Clients that ask for prices without a pause, and count every failure.

A client that keeps its connection looks whether the service has closed it before it is used
again, as every pool of connections does; a request that was sent is never sent again, so every
outcome is counted.
"""

from __future__ import annotations

import json
import select
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from types import TracebackType
from typing import Any, NamedTuple

from tools.measuring.local_server import DOLLAR, HOST, JSON, PATIENCE, PREDICT, wait_for

BOTH_KINDS = (True, False, True, False)  # clients that keep their connection, and that do not


class Failure(NamedTuple):
    """A request without its price: when it was sent and given up (``time.monotonic``), and why.

    One that could not be sent counts from its beginning.
    """

    sent: float
    ended: float
    reason: str


@dataclass
class Answers:
    """What came of the requests of one client, or of all."""

    asked: int = 0
    failures: list[Failure] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    mixed: int = 0  # prices that are not those of the version which the answer carries
    slowest: float = 0.0

    def add(self, other: Answers) -> None:
        """Count the answers of another client too."""
        self.asked += other.asked
        self.failures += other.failures
        self.versions += other.versions
        self.mixed += other.mixed
        self.slowest = max(self.slowest, other.slowest)

    def __str__(self) -> str:
        return f"{len(self.failures)} of {self.asked:,} requests failed"

    def figures(self) -> dict[str, int]:
        """How many requests there were, and how many failed."""
        return {"requests": self.asked, "failed": len(self.failures)}

    def faults(self) -> list[str]:
        """What contradicts that every request got its right price; empty where nothing does."""
        faults = [f"requests failed: {self.reasons()}"] if self.failures else []
        return faults + ([f"{self.mixed} answers were wrong"] if self.mixed else [])

    def reasons(self) -> dict[str, int]:
        """How often requests failed, by reason."""
        return dict(Counter(failure.reason for failure in self.failures))


class Load:
    """A client for each of ``keeping``, true where it keeps its connection, while the block runs.

    ``houses`` are asked for in turn, ``rows`` at a time. ``prices`` gives the right prices by
    version, in the order of the houses. ``most`` ends it after so many requests.
    """

    def __init__(
        self,
        port: int,
        houses: Sequence[dict[str, Any]],
        prices: dict[str, list[float]],
        *,
        keeping: Sequence[bool] = BOTH_KINDS,
        rows: int = 1,
        most: int | None = None,
    ) -> None:
        self.answers = Answers()
        self._port, self._prices, self._rows = port, prices, rows
        self._bodies = [
            json.dumps({"inputs": [houses[(i + j) % len(houses)] for j in range(rows)]}).encode()
            for i in range(len(houses))
        ]
        self._stop = threading.Event()
        self._turns = iter(count() if most is None else range(most))  # shared by all clients
        self._own = [Answers() for _ in keeping]
        self._threads = [
            threading.Thread(target=self._run, args=(own, keep), daemon=True)
            for own, keep in zip(self._own, keeping, strict=True)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self.join()

    @property
    def asked(self) -> int:
        """Return how many requests were started so far."""
        return sum(own.asked for own in self._own)

    def wait_for(self, more: int) -> None:
        """Wait until so many requests were started after this call."""
        enough = self.asked + more
        wait_for(lambda: self.asked >= enough)

    def join(self) -> Answers:
        """Wait for the clients: until ``most`` requests are done, or what is in hand."""
        for thread in self._threads:
            thread.join()
        self.answers = Answers()
        for own in self._own:
            self.answers.add(own)
        return self.answers

    def _run(self, own: Answers, keep: bool) -> None:
        connection = HTTPConnection(HOST, self._port, timeout=PATIENCE)
        headers = JSON if keep else {**JSON, "Connection": "close"}
        for turn in self._turns:
            if self._stop.is_set():
                break
            place = turn % len(self._bodies)
            own.asked += 1
            began = sent = time.monotonic()
            try:
                if _closed(connection):
                    connection.close()
                connection.request("POST", PREDICT, self._bodies[place], headers)
                sent = time.monotonic()
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, HTTPException) as error:
                connection.close()
                own.failures.append(Failure(sent, time.monotonic(), type(error).__name__))
                time.sleep(0.01)  # a service that is gone is not asked a thousand times a second
                continue
            if not keep:
                connection.close()
            ended = time.monotonic()
            own.slowest = max(own.slowest, ended - began)
            if answer.status != 200:
                own.failures.append(Failure(sent, ended, f"status {answer.status}"))
            else:
                self._check(own, json.loads(content), place)
        connection.close()

    def _check(self, own: Answers, answer: dict[str, Any], place: int) -> None:
        version = answer["version"]
        own.versions[version] += 1
        right = self._prices.get(version)
        expected = right and [right[(place + j) % len(right)] for j in range(self._rows)]
        own.mixed += not expected or any(
            price is None or abs(price - own_price) > DOLLAR
            for price, own_price in zip(answer["predictions"], expected, strict=True)
        )


def _closed(connection: HTTPConnection) -> bool:
    """Whether the service closed a connection that is kept: nothing else makes it readable."""
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])
