"""Plots of results, as SVG files that stand alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.markdown import median, peak, per_second, ranked, rows_per_second, seconds
from benchmarks.peers import FLOOR, OURS
from regression_model.pages.figures import BLUE, QUIET, VERMILION
from tools.measuring.published import Found, write_plot

NAMES = {OURS: ("this package", BLUE, "o-"), "pandas": ("scikit-learn on pandas", VERMILION, "s-")}


def write(found: Found, folder: Path) -> dict[str, str]:
    """Write what there are results for; the text for those who cannot see it, by name of file."""
    drawn: dict[str, str] = {}
    for name, section, label, plot, size in PLOTS:
        if not found.get(section) or (section == "serving" and not found[section]["loaded"]):
            continue
        filled = partial(plot, found=found[section])
        write_plot(folder / f"{name}.svg", filled, label=label, size=size)
        drawn[name] = label
    return drawn


def _serving(canvas: Figure, found: Found) -> None:
    servers = found["servers"]
    names = [name for name in reversed(ranked(found)) if "rate_8" in servers[name]]
    rates = [median(servers[name]["rate_8"]) for name in names]
    colours = {OURS: BLUE, FLOOR: QUIET}
    axes = canvas.add_subplot()
    bars = axes.barh(
        [servers[name]["title"] for name in names],
        rates,
        color=[colours.get(name, VERMILION) for name in names],
        height=0.62,
    )
    axes.bar_label(bars, [per_second(rate) for rate in rates], padding=4)
    axes.set(xscale="log", xlim=(min(rates) / 2, max(rates) * 2.5))
    axes.set_title("Requests a second, one house each, 8 clients, 1 worker (logarithmic)")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _growth(canvas: Figure, found: Found) -> None:
    titles = {"rows": "houses in a request", "trees": "trees", "features": "features"}
    rows, trees = canvas.add_subplot(1, 3, 1), canvas.add_subplot(1, 3, 2)
    panels: Any = [rows, trees, canvas.add_subplot(1, 3, 3, sharey=trees)]  # both of one house
    for axes, (what, title) in zip(panels, titles.items(), strict=True):
        sizes = [row["size"] for row in found[what]]
        for name in NAMES:
            _line(axes, name, sizes, [median(row[name]) for row in found[what]])
        axes.set(xscale="log" if what != "features" else "linear", yscale="log")
        axes.set_xlabel(title)
        _plain(axes, sizes)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    rows.set_title("Time of a request")
    trees.set_title("Time of one house")
    trees.legend(loc="center")  # between the two lines, which lie far apart


def _batch(canvas: Figure, found: Sequence[Found]) -> None:
    runs = [run for run in found if run["format"] == "csv"]
    rates: Any
    memory: Any
    rates, memory = canvas.subplots(1, 2)
    for name in NAMES:
        own = [run for run in runs if name in run]
        sizes = [run["rows"] for run in own]
        _line(rates, name, sizes, [rows_per_second(run, name) for run in own])
        _line(memory, name, sizes, [peak(run, name) for run in own])
    rates.set_title("Rows a second, CSV to CSV")
    memory.set_title("Peak memory, MiB")
    for axes in (rates, memory):
        axes.set(xscale="log", xlabel="rows of the table", ylim=(0, 1.1 * axes.dataLim.y1))
        _plain(axes, [run["rows"] for run in runs])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    rates.legend()


def _line(axes: Any, name: str, sizes: Sequence[float], values: Sequence[float]) -> None:
    label, colour, style = NAMES[name]
    axes.plot(sizes, values, style, color=colour, label=label)


def _plain(axes: Any, sizes: Sequence[int]) -> None:
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


Plot = tuple[str, str, str, Callable[..., None], tuple[float, float]]
PLOTS: tuple[Plot, ...] = (
    ("serving", "serving", "Requests a second of each server, as bars", _serving, (8, 2.9)),
    ("growth", "growth", "Time of a request by houses, trees and features", _growth, (9, 3.2)),
    ("batch", "batch", "Rows a second and memory by rows of the table", _batch, (8, 3.0)),
)
