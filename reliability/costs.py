"""Bodies that make the service work hard for little: what each costs beside honest ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psutil

from regression_model import Model, load_model
from regression_model.sales.sample import generate
from reliability.bodies import LIMIT
from reliability.memory import MEBIBYTE
from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.local_server import JSON, PREDICT

MOST_ROWS = 20_000  # of a request, by default
MOST_EXPLAINED = 100
MOST_TIMES = 5.0
UNTESTED = 4 * MEBIBYTE  # up to here, brackets are not counted before the body is read
TURNS = 2
WIDE = "\N{HOUSE BUILDING}"  # four bytes in UTF-8

House = dict[str, Any]


class Kind(NamedTuple):
    """A body of so many rows, or of one or more that fill it."""

    name: str
    make: Callable[[Bodies], bytes]


class Cost(NamedTuple):
    """What a body costs the service: seconds of a processor, and bytes of an answer."""

    name: str
    status: int
    received: int
    seconds: float
    answered: int

    def told(self, clean: Cost) -> dict[str, Any]:
        """The figures of the page; ``clean`` is what others are compared with."""
        return {**self._asdict(), "times": round(self.seconds / max(clean.seconds, 0.01), 1)}


class Bodies:
    """What bodies are made of; no field is named here, all follows from the model."""

    def __init__(self, model: Model, rows: int) -> None:
        self.rows = rows
        self.room = LIMIT * rows // MOST_ROWS
        self._random = random.Random(11)  # noqa: S311
        spec = model.spec
        table = generate(rows, seed=11, spec=spec).drop(columns=spec.target.name)
        self.houses: list[House] = json.loads(table.to_json(orient="records"))
        self.fields = [f for f in spec.features if f.role != "target"]
        self.levels = [f for f in spec.inputs if f.has_levels and f.type == "text"]
        self.numbers = [f for f in spec.inputs if not f.has_levels]
        self.least = {f.name: self.houses[0][f.name] for f in spec.features if f.required}
        self.area = next(f.name for f in self.numbers if not f.required)
        self.twice = [(f.name, *f.aliases) for f in self.fields if f.aliases]

    def each(self, change: Callable[[House], House]) -> bytes:
        """Every house with a change."""
        return self.dump([{**house, **change(house)} for house in self.houses])

    def least_with(self, **fields: Any) -> House:
        """What is required of a house, with other fields."""
        return {**self.least, **fields}

    def names(self, room: int) -> House:
        """As many names that are no fields as so many bytes have room for, seldom the same ones."""
        first, digits = self.number(room), len(f"{2 * room:x}")
        count = room // (digits + len('"":0,'))
        return dict.fromkeys((f"{first + i:x}" for i in range(count)), 0)

    def number(self, most: int) -> int:
        """Return a number that cannot be foreseen."""
        return self._random.randrange(most)

    def dump(self, content: Any) -> bytes:
        """``content`` as JSON without a byte too many."""
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()

    def filled(self, row: bytes, most: int) -> bytes:
        """A list of a row as often as ``most`` bytes have room for it."""
        count = min(self.rows, most // (len(row) + 1))
        return b"[" + b",".join([row] * max(count, 1)) + b"]"

    def raw(self, value: bytes) -> bytes:
        """A house with the JSON text of a number that is none."""
        return self.dump(self.least)[:-1] + f',"{self.area}":'.encode() + value + b"}"


KINDS = (
    Kind("houses of which every field is known and right", lambda b: b.dump(b.houses)),
    Kind("empty objects", lambda b: b.filled(b"{}", b.room)),
    Kind("rows that are no objects", lambda b: b.filled(b"0", b.room)),
    Kind(
        "every level unknown",
        lambda b: b.each(lambda _: {f.name: f"x{b.number(10**6)}" for f in b.levels}),
    ),
    Kind(
        "every level misspelled",
        lambda b: b.each(lambda _: {f.name: f"{f.levels[0]}{b.number(999)}" for f in b.levels}),
    ),
    Kind(
        "every number as text, as a reader of CSV gives it",
        lambda b: b.each(lambda h: {n: v if v is None else str(v) for n, v in h.items()}),
    ),
    Kind("every field of a wrong type", lambda b: b.each(lambda h: dict.fromkeys(h, True))),
    Kind(
        "every number impossible",
        lambda b: b.each(lambda _: {f.name: -99 for f in b.numbers}),
    ),
    Kind(
        "every number beyond the training range",
        lambda b: b.each(lambda _: {f.name: f.maximum for f in b.numbers}),
    ),
    Kind(
        "unknown names in every house, as many as fit",
        lambda b: b.dump([b.least_with(**b.names(b.room // b.rows - 120)) for _ in b.houses]),
    ),
    Kind(
        "a misspelled name of every field",
        lambda b: b.dump(
            [b.least_with(**{f"{f.name}{b.number(999)}": 0 for f in b.fields}) for _ in b.houses]
        ),
    ),
    Kind(
        "one house of as many names as fit", lambda b: b.dump(b.least_with(**b.names(b.room - 120)))
    ),
    Kind(
        "names and values of wide characters, which answers repeat",
        lambda b: b.dump(
            [b.least_with(**{WIDE * 75 + f"{b.number(99_999):05}": WIDE * 80}) for _ in b.houses]
        ),
    ),
    Kind(
        "every house with two names of a field",
        lambda b: b.each(lambda _: {name: 1 for names in b.twice for name in names}),
    ),
    Kind(
        "a long text in every house",
        lambda b: b.dump(
            [b.least_with(**{b.levels[0].name: "x" * (b.room // b.rows - 150)})] * b.rows
        ),
    ),
    Kind("one text as long as fits", lambda b: b.dump({b.levels[0].name: "x" * (b.room - 99)})),
    Kind("one name as long as fits", lambda b: b.dump({"x" * (b.room - 99): 0})),
    Kind("integers of 4,300 digits", lambda b: b.filled(b.raw(b"9" * 4300), b.room)),
    Kind(
        "lists nested 190 deep",
        lambda b: b.filled(b.raw(b"[" * 190 + b"]" * 190), min(b.room, UNTESTED)),
    ),
    Kind(
        f"{MOST_EXPLAINED} houses to explain, every level unknown",
        lambda b: b.dump(
            {
                "inputs": [
                    {**h, **{f.name: "x" for f in b.levels}} for h in b.houses[:MOST_EXPLAINED]
                ],
                "explain": True,
            }
        ),
    ),
)


@scenario(
    "chaos",
    fault="bodies that are within the limits and made to cost as much as they can",
    promise=f"none costs more than {MOST_TIMES:.0f} times the processor time of the largest one "
    "of good houses, and no answer is larger than a body may be",
    full=MOST_ROWS,
    short=300,
)
def costly_bodies(trial: Trial) -> Measured:
    """Send a body of each kind, of at most ``count`` rows, and read the worker's clock."""
    bodies = Bodies(load_model(trial.artifact), trial.count)
    with trial.serve() as service:
        (worker,) = service.workers().values()
        service.ask("POST", PREDICT, body=bodies.dump(bodies.houses[:1]), headers=JSON)
        costs = [_cost(service, worker, kind, kind.make(bodies)) for kind in KINDS]
    clean, *others = costs
    worst = max(others, key=lambda cost: cost.seconds)
    largest = max(others, key=lambda cost: cost.answered)
    told = [cost.told(clean) for cost in costs]
    return Measured(
        f"{len(others)} kinds: at most {worst.told(clean)['times']} times ({worst.name}), answers "
        f"of at most {largest.answered / MEBIBYTE:.1f} MiB ({largest.name})",
        list(_broken(trial, clean, others)),
        {"kinds": told},
    )


def _cost(service: Service, worker: psutil.Process, kind: Kind, body: bytes) -> Cost:
    """The least of some turns: what else the machine does only adds to it."""
    seconds = []
    for _ in range(TURNS):
        before = _used(worker)
        status, answer = service.ask("POST", PREDICT, body=body, headers=JSON)
        seconds.append(_used(worker) - before)
    return Cost(kind.name, status, len(body), round(min(seconds), 2), len(answer))


def _used(worker: psutil.Process) -> float:
    """Seconds that a process has had a processor."""
    times = worker.cpu_times()
    return float(times.user + times.system)


def _broken(trial: Trial, clean: Cost, others: list[Cost]) -> Iterator[str]:
    for cost in others:
        if cost.status not in (200, 422):
            yield f"{cost.name}: answered {cost.status}"
        if cost.answered > LIMIT:
            yield f"{cost.name}: {cost.answered} bytes of answer to {cost.received}"
        if trial.strict and cost.seconds > MOST_TIMES * clean.seconds:
            yield f"{cost.name}: {cost.seconds:.1f} s, {clean.name}: {clean.seconds:.1f} s"
