"""A service as its clients reach it: which model answers, and whether its prices are right."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tools.measuring.local_server import DOLLAR, PREDICT
from tools.release.package_index import without_credentials
from tools.release.wheel_model import golden_houses

TIMEOUT_SECONDS = 30
IN_A_ROW = 5  # answers of the new release before it is believed that no old process is left
PAUSE_SECONDS = 0.5
NAMES = {  # what tells one release from another, in the answer of /version and in words
    "model_version": "model",
    "api_version": "API",
    "artifact": "artifact",
    "revision": "source revision",
}

Told = Mapping[str, str | None]  # what /version answers; a service before revisions tells none


class NotInService(Exception):
    """What a client gets that is not what was deployed."""


class Expected(NamedTuple):
    """What has to answer: versions, artifact, revision, and the golden houses with their prices."""

    told: Told
    golden: list[dict[str, Any]]

    @classmethod
    def of(cls, wheel: Path, service: Told) -> Expected:
        """A ``service`` with the model inside of a wheel."""
        artifact, golden = golden_houses(wheel)
        model = {"model_version": wheel.name.split("-")[1], "artifact": artifact}
        return cls({**model, **service}, golden)

    def __str__(self) -> str:
        return told_in_words(self.told)


class Service:
    """The service at ``url``; each question on a connection of its own, as new clients come."""

    def __init__(self, url: str, *, key: str | None, patience: float) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._patience = patience

    def version(self) -> Told | None:
        """What is in service; None where nothing answers."""
        try:
            return self._told()
        except NotInService:
            return None

    def see(self, expected: Expected) -> None:
        """Return once only the expected release answers, rightly; else raise NotInService."""

        def look() -> None:
            self._see_version(expected.told)
            self._ask("GET", "/ready")

        self._repeat(look)
        self._see_prices(expected)
        self._see_refusal()

    def see_again(self, told: Told) -> None:
        """Return once only what ran before answers; else raise NotInService."""
        self._repeat(lambda: self._see_version(told))

    def __str__(self) -> str:
        return without_credentials(self._url)

    def _repeat(self, look: Callable[[], None]) -> None:
        """Return once a look finds what it wants several times in a row; else raise its fault."""
        deadline = time.monotonic() + self._patience
        good = 0
        while good < IN_A_ROW:
            try:
                look()
                good += 1
            except NotInService:
                good = 0
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_SECONDS)

    def _see_version(self, expected: Told) -> None:
        told = self._told()
        if {name: told.get(name) for name in expected} != expected:
            raise NotInService(
                f"{self} answers {told_in_words(told)}, expected {told_in_words(expected)}"
            )

    def _see_prices(self, expected: Expected) -> None:
        houses = [row["house"] for row in expected.golden]
        prices = self._ask("POST", PREDICT, {"inputs": houses}).get("predictions")
        recorded = [row["prediction"] for row in expected.golden]
        if not isinstance(prices, list) or len(prices) != len(recorded):
            raise NotInService(f"{len(recorded)} golden houses get other than as many prices")
        for row, (price, right) in enumerate(zip(prices, recorded, strict=True)):
            if not agrees(price, right):
                raise NotInService(f"golden house {row} costs {price!r}, expected {right}")

    def _see_refusal(self) -> None:
        problem = self._ask("POST", PREDICT, {"inputs": []}, expected=422)
        if problem.get("status") != 422:
            raise NotInService(f"an empty list of houses is refused with {problem}")

    def _told(self) -> Told:
        answer = self._ask("GET", "/version")
        return {name: answer.get(name) for name in NAMES}

    def _ask(
        self, method: str, path: str, body: Any = None, *, expected: int = 200
    ) -> dict[str, Any]:
        """The answer, a JSON object; NotInService where it is none, or of another status."""
        try:
            answer = requests.request(
                method, self._url + path, json=body, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
            if answer.status_code != expected:
                raise NotInService(f"{method} {path} answers {answer.status_code}{hint(answer)}")
            told = answer.json()
        except requests.JSONDecodeError:
            raise NotInService(f"{method} {path} does not answer JSON") from None
        except requests.RequestException as error:
            raise NotInService(f"{self} does not answer: {type(error).__name__}") from None
        if not isinstance(told, dict):
            raise NotInService(f"{method} {path} does not answer a JSON object")
        return told


def agrees(price: Any, right: float | None) -> bool:
    """Whether an answer is the price that was recorded; no number and NaN are not."""
    if right is None or isinstance(price, bool) or not isinstance(price, int | float):
        return price is None and right is None
    return abs(price - right) <= DOLLAR


def hint(answer: requests.Response) -> str:
    """What may help, where that is known."""
    return "; set DEPLOY_API_KEY to a key of the service" if answer.status_code == 401 else ""


def told_in_words(told: Told) -> str:
    """What ``/version`` says, as text."""
    return ", ".join(f"{word} {told.get(name) or 'unknown'}" for name, word in NAMES.items())
