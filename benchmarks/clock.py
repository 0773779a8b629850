"""Repeated, interleaved timing: what troubles a noisy machine troubles all candidates alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

MOST_CALLS = 2_000


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """The median seconds of a call in each round; a candidate has ``seconds`` in a round.

    It is called at least three times, and once before the clock runs.
    """
    medians: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            medians[name].append(_median(call, seconds))
    return medians


def _median(call: Callable[[], object], seconds: float) -> float:
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < MOST_CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of two candidates' rounds, which stood side by side in time."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
