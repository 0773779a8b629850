"""The metrics as Prometheus and OpenMetrics read them, by ``prometheus_client``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from ml_api.master.counters import Counters
from ml_api.telemetry.metrics import FAMILIES, Family
from ml_api.version import VERSION

Labels = tuple[tuple[str, str], ...]


def expose(counters: Counters, accept: str, *, revision: str | None) -> tuple[bytes, str]:
    """Return all metrics in the format that ``accept`` prefers, and its content type.

    ``revision`` is the source commit of the process that answers.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(counters, revision))
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class _Collector:
    """What ``prometheus_client`` calls a collector: reads everything when it is asked."""

    def __init__(self, counters: Counters, revision: str | None) -> None:
        self._counters = counters
        self._build = {"version": VERSION, "revision": revision or ""}

    def describe(self) -> list[Metric]:
        return []  # names are known when it collects

    def collect(self) -> Iterator[Metric]:
        sums = _sums(self._counters)
        for name, family in FAMILIES.items():
            make = _histogram if family.bounds else _counter
            yield make(name, family, sums[name])
        yield from _workers(self._counters)
        yield InfoMetricFamily("ml_api_build", "The service that answers.", self._build)


def _sums(counters: Counters) -> dict[str, dict[Labels, list[float]]]:
    """Return what all workers counted, by family and labels."""
    sums: dict[str, dict[Labels, list[float]]] = defaultdict(dict)
    for series in counters.read():
        family = FAMILIES.get(series.family)
        # A worker of another version, before a reload, may have counted otherwise.
        if family is None or family.bounds != series.bounds:
            continue
        labels = tuple(sorted(series.labels.items()))
        before = sums[series.family].get(labels, [0.0] * len(series.values))
        sums[series.family][labels] = [
            one + other for one, other in zip(before, series.values, strict=True)
        ]
    return sums


def _counter(name: str, family: Family, sums: dict[Labels, list[float]]) -> Metric:
    metric = CounterMetricFamily(name, family.help, labels=_names(sums))
    for labels, (value,) in sums.items():
        metric.add_metric([value for _, value in labels], value)
    return metric


def _histogram(name: str, family: Family, sums: dict[Labels, list[float]]) -> Metric:
    metric = HistogramMetricFamily(name, family.help, labels=_names(sums))
    ends = [*map(floatToGoString, family.bounds), "+Inf"]
    for labels, (*counts, total) in sums.items():
        buckets = list(zip(ends, accumulate(counts), strict=True))
        metric.add_metric([value for _, value in labels], buckets, total)
    return metric


def _names(sums: dict[Labels, list[float]]) -> list[str]:
    return [name for name, _ in next(iter(sums), ())]


def _workers(counters: Counters) -> Iterator[Metric]:
    """Of workers that live now, by the number of their slot: process ids come and go."""
    alive = GaugeMetricFamily("ml_api_workers", "Workers that live.")
    memory = GaugeMetricFamily(
        "ml_api_worker_resident_memory_bytes", "Memory of a worker.", labels=["worker"]
    )
    model = InfoMetricFamily("ml_api_model", "The model that a worker serves.", labels=["worker"])
    processes = counters.processes()
    alive.add_metric([], len(processes))
    for slot, (pid, note) in processes.items():
        resident = _resident_bytes(pid)
        if resident is not None:
            memory.add_metric([str(slot)], resident)
        if note:
            model.add_metric([str(slot)], note)
    yield from (alive, memory, model)


def _resident_bytes(pid: int) -> int | None:
    """Memory of a process, shared pages included; None where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except OSError:  # not Linux, or it has just ended
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
