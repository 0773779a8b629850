"""Results as a table on the terminal, as JSON, and as the page of ``docs/``."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.table import Table

from regression_model.cli.screen import results as screen
from reliability.catalogue import SCENARIOS
from reliability.scenario import Result
from tools.measuring import published
from tools.measuring.markdown import table
from tools.measuring.published import Found

PAGE = "reliability.md"
RESULTS = "reliability/results.json"
MEMORY = "reliability/memory.svg"
STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}
LIBRARIES = ("gunicorn", "flask", "numpy", "onnxruntime", "pydantic")


def show(results: Iterable[Result]) -> None:
    """Print one row for each scenario, and below it what contradicts its promise."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("scenario", "promise", "measured", "s", ""):
        shown.add_column(column, overflow="fold", justify="right" if column == "s" else "left")
    faults = []
    for one in results:
        outcome = f"[{STYLES[one.outcome]}]{one.outcome}[/]"
        name, promise = one.scenario.name, one.scenario.promise
        shown.add_row(name, promise, one.measured.figure, f"{one.seconds:.0f}", outcome)
        faults += [f"{name}: {fault}" for fault in one.measured.faults]
    screen().print(shown)
    for fault in faults:
        screen().print(fault, style="red", markup=False, soft_wrap=True)


def as_json(results: Iterable[Result]) -> Found:
    """Results by name, with the machine that they were measured on."""
    return {
        one.scenario.name: {
            "outcome": one.outcome,
            "count": one.count,
            "figure": one.measured.figure,
            "faults": one.measured.faults,
            "values": one.measured.values,
            "seconds": round(one.seconds, 1),
            "machine": _machine(),
        }
        for one in results
    }


def publish(results: Sequence[Result], docs: Path) -> None:
    """Put results in the place of older ones of the same scenarios, and write the page anew."""
    path = docs / RESULTS
    found = read(path) if path.exists() else {}
    found |= as_json(results)
    kept = {name: found[name] for name in SCENARIOS if name in found}
    published.write_results({"results": kept}, path)
    write_page(kept, docs)


def read(path: Path) -> Found:
    """What :func:`publish` kept. Raises SystemExit for another format."""
    found: Found = published.read_results(path)["results"]
    return found


def write_page(found: Found, docs: Path) -> None:
    """Write ``reliability.md`` from results."""
    rows = [
        f"| {known.fault} | {known.promise} | {_cell(found[name])} | `{name}` |"
        for name, known in SCENARIOS.items()
        if name in found
    ]
    machines = dict.fromkeys(one["machine"] for one in found.values())
    values = {
        "rows": "\n".join(rows),
        "plot": _plot(found, docs),
        "costs": _costs(found),
        "machines": "; ".join(machines),
    }
    published.write_page(Path(__file__).with_suffix(".md"), docs / PAGE, values)


def _plot(found: Found, docs: Path) -> str:
    """Draw the worker's memory where it was weighed; what shows it."""
    if "soak" not in found:
        return ""
    from reliability import plot

    plot.write_memory(docs / MEMORY, found["soak"]["values"]["samples"])
    return f"![{plot.LABEL}]({MEMORY})\n"


def _costs(found: Found) -> str:
    """What each kind of body costs, beside the largest of good houses."""
    if "costly-bodies" not in found:
        return ""
    rows = []
    for kind in found["costly-bodies"]["values"]["kinds"]:
        received, answered = (f"{kind[key] / 2**20:.1f} MiB" for key in ("received", "answered"))
        seconds, times = f"{kind['seconds']:.2f} s", f"{kind['times']} ×"
        rows.append([kind["name"], received, seconds, times, answered])
    return table(["body", "sent", "processor", "", "answer"], rows, "lrrrr") + "\n"


def _cell(one: Found) -> str:
    return one["figure"] if one["outcome"] == "passed" else f"**{one['outcome']}**: {one['figure']}"


def _machine() -> str:
    size = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{psutil.cpu_count()} cores, {size:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {libraries}"
    )
