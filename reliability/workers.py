"""Workers are killed, replaced and drained under load."""

from __future__ import annotations

import signal
import time
from datetime import datetime

from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.load import BOTH_KINDS
from tools.measuring.local_server import wait_for

WORKERS = 2
READY_SECONDS = 2.0
RECYCLED_AFTER = 50  # requests
HOUSES_IN_HAND = 20  # in each request, so that there is always one in hand


@scenario(
    "chaos",
    fault="`kill -9` of one of 2 workers under load",
    promise="only what it had in hand fails; replaced and ready in 2 s",
    full=20,
    short=2,
)
def killed_worker(trial: Trial) -> Measured:
    """Kill one worker after the other, and tell requests that were in hand from later ones."""
    faults, ready, gone = [], [], []
    with trial.serve(WEB_CONCURRENCY=f"{WORKERS}") as service:
        wait_for(lambda: len(service.log("model.loaded")) == WORKERS)
        with trial.load(service) as load:
            for turn in range(trial.count):
                load.wait_for(20)
                gone.append(_kill_one(service))
                ready.append(_seconds_until_replaced(service, turn))
    answers = load.answers
    later = [f for f in answers.failures if not any(f.sent <= t <= f.ended + 1 for t in gone)]
    in_hand = len(answers.failures) - len(later)
    faults += [f"{len(later)} requests failed that no killed worker had in hand"] if later else []
    if in_hand > trial.count * len(BOTH_KINDS):
        faults.append(f"{in_hand} requests failed, more than were in hand")
    if max(ready) > trial.seconds(READY_SECONDS):
        faults.append(f"a worker took {max(ready):.1f} s to be replaced")
    faults += [f"{answers.mixed} answers were wrong"] if answers.mixed else []
    return Measured(
        f"{trial.count} kills, {in_hand} of {answers.asked:,} requests failed, in hand of the "
        f"killed worker, {len(later)} others; ready after {max(ready):.1f} s at most",
        faults,
        {"requests": answers.asked, "in_hand": in_hand, "others": len(later), "ready": max(ready)},
    )


def _kill_one(service: Service) -> float:
    """Kill the worker that started first; when it was gone (``time.monotonic``)."""
    worker = min(service.workers().values(), key=lambda process: process.create_time())
    worker.send_signal(signal.SIGKILL)
    worker.wait(timeout=5)
    return time.monotonic()


def _seconds_until_replaced(service: Service, turn: int) -> float:
    killed = time.time()
    wait_for(lambda: len(service.log("model.loaded")) == WORKERS + turn + 1)
    last = datetime.fromisoformat(service.log("model.loaded")[-1]["timestamp"])
    return last.timestamp() - killed


@scenario(
    "chaos",
    fault="SIGTERM under load",
    promise="everything in hand is answered, exit code 0",
    full=20,
    short=2,
)
def drained(trial: Trial) -> Measured:
    """Stop the service while eight clients ask; what they had sent before must be answered."""
    faults, asked, in_hand, slowest = [], 0, 0, 0.0
    for turn in range(trial.count):
        with (
            trial.serve(WEB_CONCURRENCY=f"{WORKERS}") as service,
            trial.load(service, keeping=BOTH_KINDS * 2, rows=HOUSES_IN_HAND) as load,
        ):
            load.wait_for(100)
            stopped = time.monotonic()
            service.process.terminate()
            code = service.process.wait(timeout=30)
            slowest = max(slowest, time.monotonic() - stopped)
        answers = load.answers
        lost = [f.reason for f in answers.failures if f.sent < stopped]
        late = [f.reason for f in answers.failures if f.sent >= stopped]
        asked += answers.asked - len(late)
        in_hand += len(lost)
        faults += [f"run {turn}: lost {lost}"] if lost else []
        faults += [f"run {turn}: exit code {code}"] if code else []
    return Measured(
        f"{trial.count} stops, {in_hand} of {asked:,} requests sent before failed; exit code 0 "
        f"after {slowest:.1f} s at most",
        faults,
        {"requests": asked, "failed": in_hand, "seconds": slowest},
    )


@scenario(
    "chaos",
    fault="worker recycling (`max_requests`) under load, connections kept and not",
    promise="0 failures",
    full=5_000,
    short=500,
)
def recycled_workers(trial: Trial) -> Measured:
    """Replace workers every few requests."""
    recycling = f"--max-requests {RECYCLED_AFTER} --max-requests-jitter 10"
    with trial.serve(WEB_CONCURRENCY=f"{WORKERS}", GUNICORN_CMD_ARGS=recycling) as service:
        answers = trial.ask(service)
        recycled = service.recycled()
    faults = answers.faults()
    faults += [] if recycled > 2 * WORKERS else [f"only {recycled} workers were replaced"]
    return Measured(
        f"{recycled} workers replaced, {answers}",
        faults,
        {**answers.figures(), "recycled": recycled},
    )
