"""What is counted of requests, prices and models; ``docs/observability.md`` says what it means.

Everything is counted in every request, so a request for one house adds to a few doubles under two
locks (``ml_api/master/counters.py``). Labels are bounded: routes as they are registered,
statuses, the codes of errors and warnings. No value of a house becomes a label.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
from flask import Flask, current_app

from ml_api.master.counters import Counters
from ml_api.telemetry import logs
from regression_model import Prediction, count_by_code

EXTENSION = "metrics"

SECONDS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
DOLLARS = (
    *(25e3, 50e3, 75e3, 100e3, 125e3, 150e3, 175e3, 200e3, 250e3, 300e3, 350e3, 400e3, 500e3),
    *(600e3, 800e3, 1e6, 2e6, 5e6),
)
RATIOS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)

# From so many houses on, arrays are quicker than one house after the other.
MIN_ROWS_BY_ARRAY = 32


class Family(NamedTuple):
    """What is counted; with upper bounds, a histogram, else a counter (shown as ``_total``)."""

    help: str
    bounds: tuple[float, ...] = ()


FAMILIES = {
    "ml_api_requests": Family("Requests answered, by registered route and status."),
    "ml_api_request_duration_seconds": Family(
        "Time from a request to its answer, by registered route.", SECONDS
    ),
    "ml_api_rows": Family("Houses in requests for prices, by outcome: priced or refused."),
    "ml_api_row_errors": Family("Reasons why houses have no price, by code."),
    "ml_api_row_warnings": Family("Caveats on prices, by code."),
    "ml_api_price_dollars": Family("Prices given.", DOLLARS),
    "ml_api_range_width_ratio": Family("Widths of ranges given, as shares of the price.", RATIOS),
    "ml_api_model_loads": Family("Models loaded, by outcome: loaded, last_good or failed."),
    "ml_api_worker_starts": Family("Workers started."),
    "ml_api_log_lines_dropped": Family("Lines of the log that could not be written."),
}


class Metrics:
    """The counts of one process, on its own until ``join`` gives it a place beside others."""

    def __init__(self) -> None:
        self._use(Counters())

    def init_app(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self

    def join(self, shared: int) -> None:
        """Count in the memory that all workers share; before the first request.

        Raises ``OSError`` where there is no place in it.
        """
        self._use(Counters(shared))
        self._add(self._starts)

    def _use(self, counters: Counters) -> None:
        self.counters = counters
        self._values, self._lock = counters.values, counters.lock
        self._answers: dict[tuple[str, int], tuple[int, int]] = {}
        self._codes: dict[tuple[str, str], int] = {}
        self._priced = self._index("ml_api_rows", outcome="priced")
        self._refused = self._index("ml_api_rows", outcome="refused")
        self._dollars = self._index("ml_api_price_dollars")
        self._ratios = self._index("ml_api_range_width_ratio")
        self._starts = self._index("ml_api_worker_starts")
        self._dropped = self._index("ml_api_log_lines_dropped")

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request for ``route`` was answered with ``status`` after so many seconds."""
        requests, duration = self._answers.get((route, status)) or self._name(route, status)
        values, bucket = self._values, duration + bisect_left(SECONDS, seconds)
        with self._lock:
            values[requests] += 1
            values[bucket] += 1
            values[duration + len(SECONDS) + 1] += seconds

    def priced(self, result: Prediction) -> None:
        """Houses were asked for, and this is what the model made of them."""
        prices, ranges = result["predictions"], result["intervals"]
        if len(prices) < MIN_ROWS_BY_ARRAY:
            self._add_few(prices, ranges)
        else:
            self._add_many(prices, ranges)
        errors, warnings = count_by_code(result)
        self._add_codes("ml_api_row_errors", errors)
        self._add_codes("ml_api_row_warnings", warnings)

    def model_loaded(self, outcome: str, info: Mapping[str, str] | None = None) -> None:
        """A model was loaded, as ``outcome`` says; ``info`` is told of it as long as it serves."""
        self._add(self._index("ml_api_model_loads", outcome=outcome))
        if info is not None:
            told = {name: info[name] for name in ("model_version", "artifact", "data")}
            self.counters.note({**told, "outcome": outcome})

    def log_line_dropped(self) -> None:
        self._add(self._dropped)

    def _add_few(self, prices: list[float | None], ranges: list[list[float] | None]) -> None:
        values, dollars, ratios = self._values, self._dollars, self._ratios
        with self._lock:
            for price, span in zip(prices, ranges, strict=True):
                if price is None:
                    values[self._refused] += 1
                    continue
                values[self._priced] += 1
                values[dollars + bisect_left(DOLLARS, price)] += 1
                values[dollars + len(DOLLARS) + 1] += price
                if span and price > 0:
                    ratio = (span[1] - span[0]) / price
                    values[ratios + bisect_left(RATIOS, ratio)] += 1
                    values[ratios + len(RATIOS) + 1] += ratio

    def _add_many(self, prices: list[float | None], ranges: list[list[float] | None]) -> None:
        given = np.fromiter((price for price in prices if price is not None), float)
        ends = np.fromiter(chain.from_iterable(span for span in ranges if span is not None), float)
        low, high = ends.reshape(-1, 2).T
        # A price has a range; only a price of nothing would have no share of it.
        ratios = (high - low)[given > 0] / given[given > 0]
        counted = (
            (self._dollars, _histogram(DOLLARS, given)),
            (self._ratios, _histogram(RATIOS, ratios)),
        )
        values: Any = np.asarray(self._values)
        with self._lock:
            values[self._priced] += len(given)
            values[self._refused] += len(prices) - len(given)
            for index, histogram in counted:
                values[index : index + len(histogram)] += histogram

    def _add_codes(self, family: str, counts: Mapping[str, int]) -> None:
        for code, count in counts.items():
            index = self._codes.get((family, code))
            if index is None:
                index = self._codes[family, code] = self._index(family, code=code)
            self._add(index, count)

    def _add(self, index: int, count: int = 1) -> None:
        with self._lock:
            self._values[index] += count

    def _name(self, route: str, status: int) -> tuple[int, int]:
        requests = self._index("ml_api_requests", route=route, status=str(status))
        duration = self._index("ml_api_request_duration_seconds", route=route)
        self._answers[route, status] = requests, duration
        return requests, duration

    def _index(self, family: str, **labels: str) -> int:
        return self.counters.index(family, FAMILIES[family].bounds, **labels)


def _histogram(bounds: tuple[float, ...], observed: Any) -> Any:
    """Return the count of each bucket and then the sum, in the order of ``Counters``."""
    buckets = np.bincount(np.searchsorted(bounds, observed), minlength=len(bounds) + 1)
    return np.append(buckets, observed.sum())


def metrics() -> Metrics:
    """Return the metrics of the current application."""
    return cast(Metrics, current_app.extensions[EXTENSION])


def share(app: Flask, descriptor: str | None) -> None:
    """Count beside the other workers, where ``descriptor`` says; never raises.

    A worker that finds no place there counts on its own, and says so in the log.
    """
    if descriptor is not None:
        try:
            cast(Metrics, app.extensions[EXTENSION]).join(int(descriptor))
        except OSError as error:
            logs.error("metrics.not_shared", error=type(error).__name__, reason=str(error))
