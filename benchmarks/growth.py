"""How the cost of a request grows: with its rows, with the model's trees, with its features."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import in_process, load
from benchmarks.effort import Effort
from benchmarks.peers import FLOOR, OURS, House
from benchmarks.running import Running
from benchmarks.variants import train_variant
from regression_model import Model

Say = Callable[[str], None]
Series = list[dict[str, Any]]  # {"size", "ours", "pandas"}: seconds of each round


def by_rows(model: Model, effort: Effort, say: Say) -> Series:
    """Requests of more and more houses."""
    series: Series = []
    for rows in effort.request_rows:
        say(f"{rows:,} houses in a request")
        series.append({"size": rows, **in_process.measure(model, effort, rows=rows)})
    return series


def by_trees(effort: Effort, say: Say) -> Series:
    """One house, by models of more and more trees."""
    return _by_model("trees", effort.trees, effort, say)


def by_features(effort: Effort, say: Say) -> Series:
    """One house, by models of more and more features."""
    return _by_model("features", effort.features, effort, say)


def _by_model(what: str, sizes: tuple[int, ...], effort: Effort, say: Say) -> Series:
    series: Series = []
    for size in sizes:
        say(f"a model of {size:,} {what}")
        with tempfile.TemporaryDirectory() as folder:
            model = train_variant(Path(folder), **{what: size})
            series.append({"size": size, **in_process.measure(model, effort)})
    return series


def by_workers(
    make: Callable[[str], Running], houses: Sequence[House], effort: Effort, bodies: Path, say: Say
) -> Series:
    """Requests a second under eight clients, by workers: the service and the constant."""
    standing = {(name, n): make(name) for n in effort.workers for name in (OURS, FLOOR)}
    rates: dict[tuple[str, int], list[float]] = {each: [] for each in standing}
    bodies.write_text("".join(json.dumps({"inputs": [house]}) + "\n" for house in houses))
    try:
        for (_, workers), running in standing.items():
            running.start(houses[0], workers=workers)
        for number in range(effort.wrk_rounds):
            say(f"by workers, round {number + 1} of {effort.wrk_rounds}")
            for each, running in standing.items():
                seconds = effort.wrk_seconds
                rates[each].append(load.load(running.url, bodies, clients=8, seconds=seconds).rate)
    finally:
        for running in standing.values():
            running.stop()
    return [{"size": n, **{name: rates[name, n] for name in (OURS, FLOOR)}} for n in effort.workers]
