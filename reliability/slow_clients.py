"""Clients that send slowly hold the threads of a worker, which is why a proxy stands in front."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

from reliability.scenario import Measured, Trial, scenario
from reliability.service import JSON, PREDICT, Service

THREADS = 4
IMPATIENCE = 3.0  # seconds that a good client waits for its answer
HALF_A_REQUEST = f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Le".encode()


@scenario(
    "chaos",
    fault="clients that send half a request and stop, one worker of 4 threads",
    promise="fewer than there are threads harm nobody; more stall the worker (not promised: a "
    "buffering proxy is needed), which answers again when they are gone",
    full=8,
    short=4,
)
def slow_clients(trial: Trial) -> Measured:
    """Ask beside ever more slow clients, up to ``count``, and after they left."""
    faults, answered, back = [], {}, 0.0
    with trial.serve(ML_API_THREADS=f"{THREADS}") as service:
        for slow in (0, 1, THREADS - 1, THREADS, trial.count):
            with _half_requests(service, slow):
                answered[slow] = _seconds_until_answered(trial, service)
            began = time.monotonic()
            while _seconds_until_answered(trial, service) is None:
                if time.monotonic() > began + 30:
                    faults.append(f"no answer after {slow} slow clients left")
                    break
            back = max(back, time.monotonic() - began)
    harmed = [slow for slow, seconds in answered.items() if seconds is None]
    faults += [f"no answer beside {slow} slow clients" for slow in harmed if slow < THREADS]
    stalled = f"none beside {min(harmed)}" if harmed else f"and beside {max(answered)}"
    return Measured(
        f"answered beside {THREADS - 1} slow clients, {stalled}; again {back:.1f} s after they "
        "left",
        faults,
        {"answered": {str(slow): seconds for slow, seconds in answered.items()}, "back": back},
    )


@contextmanager
def _half_requests(service: Service, count: int) -> Iterator[None]:
    """Connections that each sent the beginning of a request, and are closed in the end."""
    with ExitStack() as stack:
        for _ in range(count):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            slow.sendall(HALF_A_REQUEST)
        time.sleep(0.2)  # until they have found their threads
        yield


def _seconds_until_answered(trial: Trial, service: Service) -> float | None:
    """How long a good client waits for a price; None where it gives up."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", service.port, timeout=IMPATIENCE)
    try:
        connection.request("POST", PREDICT, json.dumps(trial.model.houses), JSON)
        answer = connection.getresponse()
        answer.read()
    except TimeoutError:
        return None
    finally:
        connection.close()
    return time.monotonic() - began if answer.status == 200 else None
