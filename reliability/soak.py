"""Very many requests to one worker: nothing grows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from reliability.memory import MEBIBYTE
from reliability.scenario import Measured, Trial, scenario

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
    samples = []
    began = time.monotonic()
    with trial.serve(stdout=Path("/dev/null")) as service:
        (worker,) = service.workers().values()
        with trial.load(service, keeping=[True] * CLIENTS, most=trial.count) as load:
            for step in range(1, STEPS):  # not the last one, when clients leave
                while load.asked < step * trial.count // STEPS:
                    time.sleep(0.005)
                samples.append(_sample(load.asked, worker))
            answers = load.join()
        kept = set(service.workers()) == {worker.pid}
    rate = answers.asked / (time.monotonic() - began)
    settled = [one for one in samples if one.requests >= SETTLED * trial.count]
    slope = _slope(settled)
    faults = [] if kept else ["the worker was replaced"]
    faults += answers.faults()
    if trial.strict and slope >= MOST_PER_100_000:
        faults.append(f"memory grows by {slope:.2f} MiB per 100,000 requests")
    faults += _changes(settled)
    return Measured(
        f"{answers}; {slope:+.2f} MiB per 10⁵ requests, {settled[-1].descriptors} descriptors "
        f"and {settled[-1].threads} threads "
        "throughout",
        faults,
        {
            "requests": answers.asked,
            "per_second": round(rate),
            "slope": slope,
            "samples": [[one.requests, one.memory] for one in samples],
        },
    )


def _sample(requests: int, worker: psutil.Process) -> Sample:
    return Sample(requests, worker.memory_info().rss, worker.num_fds(), worker.num_threads())


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
