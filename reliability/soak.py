"""Very many requests to one worker: nothing grows."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from reliability.memory import descriptors, resident, threads
from reliability.scenario import Measured, Skipped, Trial, scenario

MEBIBYTE = 2**20
CLIENTS = 4
MOST_PER_100_000 = 1.0  # MiB
SETTLED = 0.1  # of the requests, after which everything has been used once
STEPS = 50


class Sample(NamedTuple):
    """A worker after so many requests."""

    requests: int
    memory: int
    descriptors: int
    threads: int


@scenario(
    "soak",
    fault="very many requests to one worker",
    promise="memory slope after the first tenth < 1 MiB per 10⁵ requests; descriptors and "
    "threads constant",
    full=1_000_000,
    short=2_000,
)
def soak(trial: Trial) -> Measured:
    """Ask ``count`` times over connections that are kept, and weigh the worker meanwhile."""
    if not sys.platform.startswith("linux"):
        raise Skipped("memory, descriptors and threads are read from Linux's /proc")
    samples = []
    began = time.monotonic()
    with trial.serve(stdout=Path("/dev/null")) as service:
        (worker,) = service.workers()
        with trial.load(service, keeping=[True] * CLIENTS, most=trial.count) as load:
            for step in range(1, STEPS):  # not the last one, when clients leave
                while load.asked < step * trial.count // STEPS:
                    time.sleep(0.005)
                samples.append(_sample(load.asked, worker))
            answers = load.join()
        kept = set(service.workers()) == {worker}
    rate = answers.asked / (time.monotonic() - began)
    settled = [one for one in samples if one.requests >= SETTLED * trial.count]
    slope = _slope(settled)
    faults = [] if kept else ["the worker was replaced"]
    faults += answers.faults()
    if trial.strict and slope >= MOST_PER_100_000:
        faults.append(f"memory grows by {slope:.2f} MiB per 100,000 requests")
    faults += _changes(settled)
    return Measured(
        f"{len(answers.failures)} of {answers.asked:,} requests failed; {slope:+.2f} MiB per 10⁵ "
        f"requests, {settled[-1].descriptors} descriptors and {settled[-1].threads} threads "
        "throughout",
        faults,
        {
            "requests": answers.asked,
            "per_second": round(rate),
            "slope": slope,
            "samples": [[one.requests, one.memory] for one in samples],
        },
    )


def _sample(requests: int, worker: int) -> Sample:
    return Sample(requests, resident(worker), descriptors(worker), threads(worker))


def _slope(samples: list[Sample]) -> float:
    """MiB per 100,000 requests, by least squares."""
    requests = np.array([one.requests for one in samples]) / 100_000
    memory = np.array([one.memory for one in samples]) / MEBIBYTE
    return float(np.polyfit(requests, memory, 1)[0])


def _changes(samples: list[Sample]) -> list[str]:
    """What was not the same all the time."""
    found = {
        "descriptors": {one.descriptors for one in samples},
        "threads": {one.threads for one in samples},
    }
    return [f"{name}: {sorted(counts)}" for name, counts in found.items() if len(counts) > 1]
