"""Bodies that are no houses: too large, no JSON, or JSON of another kind."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import NamedTuple

from reliability.bad_requests import CASES, Material, material
from reliability.json_corpus import REFUSED, texts
from reliability.memory import MEBIBYTE, peak_growth
from reliability.scenario import Measured, Skipped, Trial, scenario
from reliability.service import Service
from tools.measuring.local_server import JSON, PATIENCE, PREDICT
from tools.release.project import ROOT

LIMIT = 32 * MEBIBYTE  # the default


class Exchange(NamedTuple):
    """A request body and what was answered."""

    name: str
    body: bytes
    status: int
    content: bytes


@scenario(
    "chaos",
    fault="bodies from one byte over the limit to 1 GiB, with and without a length",
    promise="413; memory grows by less than the limit, and comes back",
    full=1024,
    short=48,
)
def oversized_bodies(trial: Trial) -> Measured:
    """Send ever larger bodies of white space, the largest of ``count`` MiB."""
    if not sys.platform.startswith("linux"):
        raise Skipped("peaks of memory are read from Linux's /proc")
    sizes = sorted({LIMIT + 1, *(min(2**n, trial.count) * MEBIBYTE for n in range(6, 11))})
    faults, peaks, left = [], [], 0
    with trial.serve() as service:
        (worker,) = service.workers().values()
        ask_for_a_price(service, trial)
        before = worker.memory_info().rss
        for size in sizes:
            for chunked in (False, True):
                with peak_growth(worker) as grown:
                    status = _send_padding(service, size, chunked=chunked)
                peaks.append(grown())
                told = f"{size} bytes {'without' if chunked else 'with'} a length"
                faults += [f"{told}: {status}"] if status != 413 else []
                if grown() >= LIMIT:
                    faults.append(f"{told}: memory grew by {grown() / MEBIBYTE:.0f} MiB")
        ask_for_a_price(service, trial)
        left = worker.memory_info().rss - before
    if left > LIMIT / 4:
        faults.append(f"{left / MEBIBYTE:.0f} MiB did not come back")
    return Measured(
        f"{2 * len(sizes)} bodies up to {max(sizes) // MEBIBYTE:,} MiB: 413; memory grew by "
        f"{max(peaks) / MEBIBYTE:.1f} MiB at most, {max(left, 0) / MEBIBYTE:.1f} MiB stayed",
        faults,
        {"bodies": 2 * len(sizes), "peak": max(peaks), "left": left},
    )


def ask_for_a_price(service: Service, trial: Trial) -> None:
    """One good request, whose memory is part of normal operation. Raises where it fails."""
    body = json.dumps(trial.model.houses)
    status, content = service.ask("POST", PREDICT, body=body, headers=JSON)
    if status != 200:
        raise RuntimeError(f"a good request got {status}: {content[:200]!r}")


def _send_padding(service: Service, size: int, *, chunked: bool) -> int:
    """The status that is answered to ``size`` bytes of white space."""
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    pieces = (b" " * min(MEBIBYTE, size - start) for start in range(0, size, MEBIBYTE))
    connection = HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    with suppress(OSError):  # answered before all was sent; it reads on for a few seconds only
        connection.request("POST", PREDICT, pieces, {**JSON, **framing}, encode_chunked=chunked)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@scenario(
    "fuzz",
    fault="JSON texts by the scheme of the JSON Parsing Test Suite: grammar, depth 10³ and 10⁵, "
    "BOM, UTF-16, lone surrogates, NUL, integers of 4,300 digits",
    promise="no 5xx; each `n_` text is 400; each `i_` text follows its documented rule",
    full=1,
    short=1,
)
def json_texts(trial: Trial) -> Measured:
    """Send every text and compare what became of it with its rule."""
    faults, counts = [], Counter[str]()
    rules = {text.name: text.rule for text in texts()}
    with trial.serve() as service:
        for one in _each(service, ((text.name, text.body) for text in texts())):
            counts[one.name[0]] += 1
            expected = one.status == 400 if rules[one.name] == REFUSED else one.status in (200, 422)
            if not expected:
                faults.append(f"{one.name} was to be {rules[one.name]}: {_told(one)}")
    kinds = ", ".join(f"{n} `{kind}_`" for kind, n in sorted(counts.items()))
    return Measured(
        f"{counts.total()} texts ({kinds}): {len(faults)} answered otherwise",
        faults,
        dict(counts),
    )


@scenario(
    "fuzz",
    fault="bad requests: wrong types, impossible values, wrong shapes, 137 bad rows of 10,000",
    promise="each gets its documented status and reason, each price its place",
    full=1,
    short=1,
)
def bad_requests(trial: Trial) -> Measured:
    """Send what people get wrong."""
    faults = []
    by_name = {case.name: case for case in CASES}
    with trial.serve() as service:
        for one in _each(service, _bad_bodies(_material(service, trial))):
            if not by_name[one.name].answered_by(one.status, one.content):
                faults.append(f"{one.name}: {_told(one)}")
    return Measured(
        f"{len(CASES)} kinds of request: {len(faults)} answered otherwise",
        faults,
        {"requests": len(CASES)},
    )


@scenario(
    "fuzz",
    fault="disclosure: every text and bad request above",
    promise="no traceback, no path, no echo of a whole body in any answer",
    full=1,
    short=1,
)
def disclosure(trial: Trial) -> Measured:
    """Look through every answer for what a client must not see."""
    faults, answers = [], 0
    secret = [b"Traceback", b'File "', b"site-packages", b".py", b"/home", b"/usr", b"/tmp"]
    secret += [str(path).encode() for path in (ROOT, sys.prefix, trial.folder, trial.artifact)]
    with trial.serve() as service:
        given = _material(service, trial)
        bodies = [*((text.name, text.body) for text in texts()), *_bad_bodies(given)]
        for one in _each(service, bodies):
            answers += 1
            found = [word.decode() for word in secret if word in one.content]
            if len(one.body) > 40 and one.body.strip() in one.content:
                found.append("the whole body")
            faults += [f"{one.name}: {word} in {_told(one)}" for word in found]
    return Measured(f"{answers} answers: {len(faults)} disclose something", faults)


def _each(service: Service, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Exchange]:
    for name, body in bodies:
        yield Exchange(name, body, *service.ask("POST", PREDICT, body=body, headers=JSON))


def _bad_bodies(given: Material) -> Iterator[tuple[str, bytes]]:
    return ((case.name, case.make(given)) for case in CASES)


def _material(service: Service, trial: Trial) -> Material:
    schema = json.loads(service.ask("GET", "/v1/regression-model/schema")[1])
    return material(trial.model.houses, schema)


def _told(one: Exchange) -> str:
    return f"{one.status} {one.content[:200].decode(errors='replace')}"
