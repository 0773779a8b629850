"""Clients that send slowly hold the threads of a worker: heads for ever, bodies for seconds."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from itertools import cycle, islice, product
from threading import Event, Thread

from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.local_server import JSON, PATIENCE, PREDICT

THREADS = 4
IMPATIENCE = 3.0  # seconds that a good client waits for its answer
LET_GO = 7.0  # seconds from a request until its connection is closed
HALF_A_REQUEST = f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Le".encode()


@scenario(
    "chaos",
    fault="clients that send half a request and stop, one worker of 4 threads",
    promise="fewer than there are threads delay no other client; more stall the worker (not "
    "promised: a buffering proxy is needed), which answers again when they are gone",
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


# Requests whose body no route reads, with the status of their answer.
REQUESTS = (
    *(("GET /health", 200), ("HEAD /version", 200), (f"OPTIONS {PREDICT}", 200)),
    *(("GET /nothing", 404), (f"DELETE {PREDICT}", 405), (f"POST {PREDICT}", 415)),
)
FRAMINGS = ("Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n")
DRIBBLED = tuple(
    (f"{line} HTTP/1.1\r\nHost: h\r\n{framing}".encode(), status)
    for (line, status), framing in product(REQUESTS, FRAMINGS)
)


@scenario(
    "chaos",
    fault="clients that send a body byte by byte to routes that read none (GET, HEAD, OPTIONS, "
    "404, 405, 415; with a length and chunked), one worker with a thread for each client",
    promise=f"each client has its answer; its thread is free again within {LET_GO:.0f} s",
    full=48,
    short=len(DRIBBLED),
)
def dribbled_bodies(trial: Trial) -> Measured:
    """Let ``count`` clients dribble at the same time, and see how long each of them may."""
    sent = list(islice(cycle(DRIBBLED), trial.count))
    with trial.serve(ML_API_THREADS=f"{trial.count}") as service:
        with ThreadPoolExecutor(trial.count) as clients:
            ended = list(clients.map(partial(_dribble, service.port), sent))
        afterwards = _seconds_until_answered(trial, service)
    faults = [fault for fault, _ in ended if fault]
    longest = max(seconds for _, seconds in ended)
    if longest > trial.seconds(LET_GO):
        faults.append(f"a client held its thread for {longest:.1f} s")
    if afterwards is None:
        faults.append("no answer after the clients were let go")
    return Measured(
        f"{trial.count} clients at once: {len(faults)} without the right answer; let go after "
        f"{longest:.1f} s at most",
        faults,
        {"longest": longest},
    )


def _dribble(port: int, request: tuple[bytes, int]) -> tuple[str, float]:
    """Dribble until the service closes the connection: a wrong answer, or "", and the seconds."""
    head, status = request
    began, answer = time.monotonic(), b""
    with dribbling(port, head) as connection, suppress(ConnectionError):
        while piece := connection.recv(65536):
            answer += piece
    right = answer.startswith(f"HTTP/1.1 {status} ".encode())
    return "" if right else f"{head[:60]!r} got {answer[:60]!r}", time.monotonic() - began


@contextmanager
def dribbling(port: int, request: bytes) -> Iterator[socket.socket]:
    """A connection on which a byte comes now and then, for as long as anybody listens."""
    done = Event()

    def dribble() -> None:
        with suppress(OSError):
            while not done.wait(0.2):
                connection.sendall(b" ")

    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        thread = Thread(target=dribble)
        thread.start()
        try:
            yield connection
        finally:
            done.set()
            thread.join()


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
