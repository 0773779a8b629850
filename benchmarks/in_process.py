"""Request bytes to response bytes in one process: the package beside its pipeline on pandas."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
from pydantic_core import to_json

from benchmarks.clock import interleaved
from benchmarks.effort import Effort
from benchmarks.houses import body_of, generated
from regression_model import Model
from regression_model.training.persistence import load_pipeline

Answer = Callable[[bytes], bytes]
Samples = dict[str, list[float]]


def compiled(model: Model) -> Answer:
    """What the service does with a request: validation, prices, ranges, warnings."""
    return lambda body: to_json(model.predict_json(body))


def through_pandas(model: Model) -> Answer:
    """The least that a server must do with the fitted pipeline: no validation, prices only."""
    pipeline = load_pipeline(model.artifact)

    def answer(body: bytes) -> bytes:
        prices = pipeline.predict(pd.DataFrame(json.loads(body)["inputs"]))
        return json.dumps({"predictions": prices.tolist()}).encode()

    return answer


def measure(model: Model, effort: Effort, *, rows: int = 1) -> Samples:
    """Seconds for a request of ``rows`` houses, each round's median: ``ours`` and ``pandas``.

    With one row, every house of ``effort`` is asked for in turn.
    """
    if rows > 1:
        bodies = [body_of(generated(model, rows))]
    else:
        bodies = [body_of([house]) for house in generated(model, effort.houses)]
    candidates = {"ours": compiled(model), "pandas": through_pandas(model)}
    for answer in candidates.values():
        answer(bodies[0])
    calls = {name: _in_turn(answer, bodies) for name, answer in candidates.items()}
    return interleaved(calls, rounds=effort.rounds, seconds=effort.seconds)


def _in_turn(answer: Answer, bodies: list[bytes]) -> Callable[[], object]:
    last = 0

    def call() -> bytes:
        nonlocal last
        last = (last + 1) % len(bodies)
        return answer(bodies[last])

    return call
