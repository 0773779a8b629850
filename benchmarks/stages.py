"""Where the time of a request goes, in process, for one house and for thousands.

    python -m benchmarks.stages --artifact DIR

Prints a Markdown table of microseconds per house, median (and minimum) of interleaved rounds:
parsing, reading (validation, encoding, warnings), inference, and the answer as bytes.
Each stage is timed within the whole path, where the others have used the processor's caches, and
no house comes twice in a round: a processor learns the way of a single one through the trees.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from benchmarks.houses import body_of, generated
from regression_model import Model, load_model, predict
from tools.measuring.markdown import table

STAGES = ("parsing", "reading", "inference", "answer", "total")
SIZES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 15


class Watch:
    """Adds up the seconds spent in functions, by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def watched(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **named)
            self.seconds[stage] += time.perf_counter() - start
            return result

        return timed

    def read(self) -> dict[str, float]:
        """The seconds of each stage since the last time; what no stage took is the answer's."""
        found, self.seconds = self.seconds, dict.fromkeys(STAGES, 0.0)
        found["answer"] = 2 * found["total"] - sum(found.values())
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--artifact", type=Path, required=True)
    model = load_model(parser.parse_args().artifact)
    watch = Watch()
    ask = watch.watched("total", lambda body: to_json(model.predict_json(body)))
    _watch_stages(model, watch)
    bodies = {size: _bodies(model, size) for size in SIZES}
    times: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size, requests in bodies.items():
            ask(requests[0])
            watch.read()
            for body in requests:
                ask(body)
                times[size].append(watch.read())
    rows = []
    for size, found in times.items():
        columns = ([1e6 * f[stage] / size for f in found] for stage in STAGES)
        rows.append([f"{size:,}", *(f"{statistics.median(c):.1f} ({min(c):.1f})" for c in columns)])
    print(table(["houses per request", *STAGES], rows))


def _watch_stages(model: Any, watch: Watch) -> None:
    parts: tuple[tuple[str, Any, str], ...] = (
        ("parsing", predict, "parse_request"),
        ("reading", model.reader, "read"),
        ("inference", model._scorer, "score_each"),  # noqa: SLF001  # a stage is not public
    )
    for stage, part, function in parts:
        setattr(part, function, watch.watched(stage, getattr(part, function)))


def _bodies(model: Model, size: int) -> list[bytes]:
    """Requests for so many houses each, no two of them alike."""
    count = size * max(1, min(200, 2000 // size))
    houses = generated(model, count)
    return [body_of(houses[k : k + size]) for k in range(0, count, size)]


if __name__ == "__main__":
    main()
