"""A service as its clients reach it: which model answers, and whether its prices are right."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import requests

PREDICT = "/v1/regression-model/predict"
TIMEOUT_SECONDS = 30
DOLLAR = 1.0  # within which golden houses are compared everywhere
IN_A_ROW = 5  # answers of the new version before it is believed that no old process is left
PAUSE_SECONDS = 0.5


class NotInService(Exception):
    """What a client gets that is not what was deployed."""


class Expected(NamedTuple):
    """What has to answer: versions, artifact, and the golden houses with their prices."""

    told: dict[str, str]
    golden: list[dict[str, Any]]

    @classmethod
    def of(cls, wheel: Path, api_version: str) -> Expected:
        """What the model inside of a wheel is, and answers."""
        with ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if name.endswith("/golden.json"))
            golden = json.loads(archive.read(path))
        told = {
            "model_version": wheel.name.split("-")[1],
            "api_version": api_version,
            "artifact": path.split("/")[-2],
        }
        return cls(told, golden)

    def __str__(self) -> str:
        return told_in_words(self.told)


class Service:
    """The service at ``url``; each question on a connection of its own, as new clients come."""

    def __init__(self, url: str, *, key: str | None, patience: float) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._patience = patience

    def version(self) -> str | None:
        """What is in service, in words; None where nothing answers."""
        try:
            return told_in_words(self._told())
        except NotInService:
            return None

    def see(self, expected: Expected) -> None:
        """Return once only the expected model answers, rightly; else raise NotInService."""
        deadline = time.monotonic() + self._patience
        good = 0
        while good < IN_A_ROW:
            try:
                self._see_version(expected)
                good += 1
            except NotInService:
                good = 0
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_SECONDS)
        self._see_prices(expected)
        self._see_refusal()

    def see_again(self, told: str | None) -> None:
        """Wait until what ran before answers, as far as that is known."""
        deadline = time.monotonic() + self._patience
        while told is not None and self.version() != told and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)

    def _see_version(self, expected: Expected) -> None:
        told = self._told()
        if {name: told.get(name) for name in expected.told} != expected.told:
            raise NotInService(f"{self._url} answers {told_in_words(told)}, expected {expected}")
        self._ask("GET", "/ready")

    def _see_prices(self, expected: Expected) -> None:
        houses = [row["house"] for row in expected.golden]
        prices = self._ask("POST", PREDICT, {"inputs": houses})["predictions"]
        recorded = [row["prediction"] for row in expected.golden]
        if len(prices) != len(recorded):
            raise NotInService(f"{len(recorded)} golden houses get {len(prices)} prices")
        for row, (price, right) in enumerate(zip(prices, recorded, strict=True)):
            if (price is None) != (right is None) or abs((price or 0) - (right or 0)) > DOLLAR:
                raise NotInService(f"golden house {row} costs {price}, expected {right}")

    def _see_refusal(self) -> None:
        problem = self._ask("POST", PREDICT, {"inputs": []}, expected=422)
        if problem.get("status") != 422:
            raise NotInService(f"an empty list of houses is refused with {problem}")

    def _told(self) -> dict[str, str]:
        return self._ask("GET", "/version")

    def _ask(
        self, method: str, path: str, body: Any = None, *, expected: int = 200
    ) -> dict[str, Any]:
        """The answer, a JSON object; NotInService where it is none, or of another status."""
        try:
            answer = requests.request(
                method, self._url + path, json=body, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
            if answer.status_code != expected:
                raise NotInService(f"{method} {path} answers {answer.status_code}")
            told = answer.json()
        except requests.JSONDecodeError:
            raise NotInService(f"{method} {path} does not answer JSON") from None
        except requests.RequestException as error:
            raise NotInService(f"{self._url} does not answer: {type(error).__name__}") from None
        if not isinstance(told, dict):
            raise NotInService(f"{method} {path} does not answer a JSON object")
        return told


def told_in_words(told: dict[str, str]) -> str:
    """What ``/version`` says, in short."""
    known = {"model": "model_version", "API": "api_version", "artifact": "artifact"}
    return ", ".join(f"{word} {told.get(name, '?')}" for word, name in known.items())
