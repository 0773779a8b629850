"""Requests made from the API's own description, and answers held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.local_server import JSON

SEEDS = (1, 2, 3)
# Of the cases of an operation with a body, those that Schemathesis makes against the schema: each
# takes it a third of a second, so most of what contradicts the schema is made here.
AGAINST = 0.02
SPOILT = 0.4
MOST_TOLD = 5

Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([10**308, -(10**4299), 5e-324, "\0", "\ufeff", "NaN", "1e400"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
# What a header or a query may hold; what HTTP itself forbids would not leave the client.
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@dataclass
class Tally:
    """What was asked and answered."""

    cases: Counter[str] = field(default_factory=Counter)  # by operation
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@scenario(
    "fuzz",
    fault="requests generated from `/openapi.json`, by the schema and against it, with 3 seeds",
    promise="≥ 5,000 cases of each operation; 0 × 5xx, no status, header or body that is not "
    "documented",
    full=5_001,
    short=60,
)
def schema_fuzzing(trial: Trial) -> Measured:
    """Make ``count`` requests of each operation, a third with each seed."""
    tally = Tally()
    share = -(-trial.count // len(SEEDS))
    with trial.serve() as service, requests.Session() as session:
        for operation in _operations(service):
            for number in SEEDS:
                for strategy, most in _kinds(operation, trial.model.houses, share):
                    _run(strategy, _asking(session, tally), most=most, number=number)
    fewest = min(tally.cases.values())
    faults = [f"{len(tally.faults)} answers, of which:"] if tally.faults else []
    faults += tally.faults[:MOST_TOLD]
    if fewest < trial.count:
        faults.append(f"only {fewest} cases of {min(tally.cases, key=tally.cases.__getitem__)}")
    told = ", ".join(f"{n:,} × {status}" for status, n in sorted(tally.statuses.items()))
    return Measured(
        f"{len(tally.cases)} operations, {fewest:,} cases of each at least: {told}; "
        f"{len(tally.faults)} not as documented",
        faults,
        {"cases": dict(tally.cases), "statuses": {str(k): n for k, n in tally.statuses.items()}},
    )


def _operations(service: Service) -> Iterator[Operation]:
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{service.port}/openapi.json")
    for found in schema.get_all_operations():
        if not isinstance(found, Ok):
            raise found.err()
        yield found.ok()


def _kinds(
    operation: Operation, houses: list[dict[str, Any]], count: int
) -> Iterator[tuple[SearchStrategy[Case], int]]:
    """How requests of an operation are made, and how many of each."""
    if operation.body:
        against, spoilt = max(1, round(count * AGAINST)), round(count * SPOILT)
        yield operation.as_strategy(), count - against - spoilt
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), against
        yield _spoilt(operation, houses), spoilt
    else:
        yield _with_anything_beside(operation), count


def _spoilt(operation: Operation, houses: list[dict[str, Any]]) -> SearchStrategy[Case]:
    """Good houses with a field that holds, or is called, anything; or anything at all."""
    field_names = sorted({name for house in houses for name in house})
    names = st.sampled_from(field_names) | st.text(max_size=20)
    house = st.builds(
        lambda good, name, value: {**good, name: value}, st.sampled_from(houses), names, ANYTHING
    )
    rows = st.lists(house | st.sampled_from(houses) | ANYTHING, max_size=3)
    batch = st.fixed_dictionaries({"inputs": rows}, optional={"explain": st.booleans() | ANYTHING})
    bodies = st.one_of(house, rows, batch, ANYTHING)
    return bodies.map(lambda body: operation.Case(body=body, media_type=JSON["Content-Type"]))


def _with_anything_beside(operation: Operation) -> SearchStrategy[Case]:
    """What the schema describes, with a query and headers that it does not."""

    def beside(case: Case, query: dict[str, str], headers: dict[str, str]) -> Case:
        case.query.update(query)
        case.headers.update(headers)
        return case

    headers = st.sampled_from(["X-Request-ID", "Accept", "Accept-Language", "Cookie", "X-Any"])
    return st.builds(
        beside,
        operation.as_strategy(),
        st.dictionaries(PRINTABLE.filter(bool), PRINTABLE, max_size=3),
        st.dictionaries(headers, PRINTABLE, max_size=2),
    )


def _asking(session: requests.Session, tally: Tally) -> Callable[[Case], None]:
    def ask(case: Case) -> None:
        name = case.operation.label
        tally.cases[name] += 1
        try:
            response = case.call(session=session)
            tally.statuses[response.status_code] += 1
            case.validate_response(response)
        except FailureGroup as found:
            tally.faults += [f"{name}: {failure}"[:1000] for failure in found.exceptions]
        except requests.RequestException as error:
            tally.faults.append(f"{name}: no answer: {error!r}"[:1000])

    return ask


def _run(
    strategy: SearchStrategy[Case], ask: Callable[[Case], None], *, most: int, number: int
) -> None:
    """Ask with ``most`` cases of a strategy; a fault ends nothing and nothing is made smaller."""
    seed(number)(
        settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(strategy)(ask))
    )()
