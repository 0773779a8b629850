"""Tables of results, as Markdown; ratios come first, absolute figures are medians."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.clock import ratio
from benchmarks.load import MISSING
from benchmarks.peers import FLOOR, OURS
from tools.measuring.markdown import table

Found = dict[str, Any]
MEBIBYTE = 2**20


def serving(found: Found, *, short: bool = False) -> str:
    """Every server beside ours, the fastest first; ``short`` leaves out what few read."""
    servers = found["servers"]
    header = ["server", "8 clients: ours is", "1 client: ours is", "requests/s", "median answer"]
    header += ["first answer", "memory of a worker"]
    if not short:
        header += ["of all processes", "version", "how it runs"]
    rows = []
    for name in ranked(found):
        own = servers[name]
        cells = [_bold(own["title"], name), *_faster(own, servers.get(OURS, {}), name)]
        cells += [_of(own, "rate_8", "{}", per_second), _of(own, "p50_1", "{}", seconds)]
        cells += [_of(own, "first_answer", "{}", seconds), _of(own, "worker", "{}", mebibytes)]
        if not short:
            cells += [_of(own, "memory", "{}", mebibytes), own["version"], own["setting"]]
        rows.append(cells)
    return table(header, rows, "lrrrrrr" if short else "lrrrrrrrll")


def ranked(found: Found) -> list[str]:
    """The names of the servers that were measured, the fastest first."""
    servers = found["servers"]
    measured = [name for name in servers if "first_answer" in servers[name]]
    return sorted(measured, key=lambda n: -median(servers[n].get("rate_8", [0.0])))


def failures(found: Found) -> str:
    """Which servers have no figures, or not all, and why; empty where all have them."""
    lines = [] if found["loaded"] else [f"- {MISSING}"]
    for name, reason in found["failed"].items():
        lines.append(f"- {found['servers'][name]['title']}: {reason}")
    return "\n".join(["Not measured, or not completely:", "", *lines]) if lines else ""


def in_process(found: Found) -> str:
    """One house, request bytes to response bytes."""
    rows = [
        ["**this package**: validation, price, range, warnings", "1", seconds(median(found[OURS]))],
        [
            "the same fitted pipeline on a one-row DataFrame: price only",
            times(ratio(found["pandas"], found[OURS])),
            seconds(median(found["pandas"])),
        ],
    ]
    return table(["in process, one house", "times as long", "median"], rows, "lrr")


def imports(found: Found) -> str:
    """What importing costs a fresh interpreter."""
    rows = [[f"{name}", seconds(median(samples))] for name, samples in found.items()]
    return table(["import, in a fresh interpreter", "median"], rows, "lr")


def growth(found: Sequence[Found], what: str) -> str:
    """One request, by the size that grows."""
    rows = [
        [
            f"{row['size']:,}",
            times(ratio(row["pandas"], row[OURS])),
            seconds(median(row[OURS])),
            seconds(median(row["pandas"])),
        ]
        for row in found
    ]
    header = [what, "times as fast", "this package", "scikit-learn on pandas"]
    return table(header, rows, "rrrr")


def workers(found: Sequence[Found]) -> str:
    """Requests a second, by workers."""
    rows = [
        [
            f"{row['size']}",
            f"{ratio(row[OURS], row[FLOOR]):.0%}",
            f"{median(row[OURS]):,.0f}",
            f"{median(row[FLOOR]):,.0f}",
        ]
        for row in found
    ]
    header = ["workers", "share of the constant's", "this service, requests/s", "constant"]
    return table(header, rows, "rrrr")


def batch_short(found: Sequence[Found]) -> str:
    """Tables from CSV to CSV: how fast, in how much memory."""
    header = ["CSV to CSV", "times as fast", "rows/s", "peak memory"]
    header += ["scikit-learn on pandas: rows/s", "peak memory"]
    rows = []
    for run in found:
        if run["format"] == "csv":
            cells = [f"{run['rows']:,} rows", _table_ratio(run)]
            for name in (OURS, "pandas"):
                rate, _, memory = _table_cells(run, name)
                cells += [rate, memory]
            rows.append(cells)
    return table(header, rows, "lrrrrr")


def batch(found: Sequence[Found]) -> str:
    """Tables of more and more rows."""
    each = ["rows/s", "cores' time a row", "peak memory"]
    header = ["rows", "format", "times as fast", *each, *(f"scikit-learn: {name}" for name in each)]
    rows = [
        [
            f"{run['rows']:,}",
            run["format"],
            _table_ratio(run),
            *_table_cells(run, OURS),
            *_table_cells(run, "pandas"),
        ]
        for run in found
    ]
    return table(header, rows, "rlrrrrrrr")


def median(samples: Sequence[float]) -> float:
    """The median of rounds."""
    return statistics.median(samples)


def rows_per_second(run: Found, name: str) -> float:
    """Rows of a table by the median of its runs."""
    return float(run["rows"] / median(_column(run[name], "seconds")))


def peak(run: Found, name: str) -> float:
    """Mebibytes, the median of peaks."""
    return median(_column(run[name], "memory")) / MEBIBYTE


def seconds(value: float) -> str:
    """A duration with two or three digits that mean something."""
    if value >= 1:
        return f"{value:.1f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"


def per_second(value: float) -> str:
    """A rate with two digits that mean something."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def mebibytes(value: float) -> str:
    """A size in memory."""
    return f"{value / MEBIBYTE:,.0f} MiB"


def times(value: float) -> str:
    """A ratio with two digits that mean something."""
    return f"{value:,.0f} ×" if value >= 10 else f"{value:.2g} ×"


def _faster(own: Found, ours: Found, name: str) -> list[str]:
    if name == OURS or "rate_8" not in own or "rate_8" not in ours:
        return ["", ""]
    return [
        times(ratio(ours["rate_8"], own["rate_8"])),
        times(ratio(own["p50_1"], ours["p50_1"])),
    ]


def _of(own: Found, figure: str, form: str, show: Any = lambda value: value) -> str:
    return form.format(show(median(own[figure]))) if figure in own else ""


def _bold(title: str, name: str) -> str:
    return f"**{title}**" if name == OURS else title


def _column(runs: Sequence[Found], what: str) -> list[float]:
    return [run[what] for run in runs]


def _table_cells(run: Found, name: str) -> list[str]:
    if name not in run:
        return [""] * 3
    work = median(_column(run[name], "work")) / run["rows"]
    return [f"{rows_per_second(run, name):,.0f}", seconds(work), f"{peak(run, name):,.0f} MiB"]


def _table_ratio(run: Found) -> str:
    if "pandas" not in run:
        return ""
    return times(ratio(_column(run["pandas"], "seconds"), _column(run[OURS], "seconds")))
