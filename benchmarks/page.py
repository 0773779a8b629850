"""The page of all figures, and the short tables that a run prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import markdown, plots
from tools.measuring import published
from tools.measuring.published import Found

PAGE = "benchmarks.md"
FOLDER = "benchmarks"


def write_page(found: Found, folder: Path) -> None:
    """Write ``benchmarks.md`` and its plots; what was not measured is left out."""
    drawn = plots.write(found, folder / FOLDER)
    images = {f"{name}_plot": "" for name, *_ in plots.PLOTS}
    images |= {f"{name}_plot": _image(name, label, FOLDER) for name, label in drawn.items()}
    values = _setting(found) | _tables(found) | images
    published.write_page(Path(__file__).with_suffix(".md"), folder / PAGE, values)


def summary(found: Found) -> str:
    """Make the short tables: servers, one house in process, tables of houses."""
    parts = []
    if "serving" in found:
        parts.append(markdown.serving(found["serving"], short=True))
        parts.append(markdown.failures(found["serving"]))
    if "in_process" in found:
        parts.append(markdown.in_process(found["in_process"]))
    if "batch" in found:
        parts.append(markdown.batch_short(found["batch"]))
    return "\n\n".join(part for part in parts if part)


def _image(name: str, label: str, folder: str) -> str:
    return f"![{label}]({folder}/{name}.svg)"


def _setting(found: Found) -> dict[str, Any]:
    machine, model = found["machine"], found["model"]
    size = f"{machine['memory'] / 2**30:.0f} GiB"
    kinds = {"sample": "the bundled synthetic sales", "file": "a file of sales"}
    return {
        "machine": f"{machine['cores']} cores of {machine['processor']}, {size}",
        "system": machine["system"],
        "python": machine["python"],
        "effort": found["effort"],
        "version": model["model_version"],
        "data": kinds.get(model["data"], model["data"]),
        "features": model["features"],
        "houses": found["houses"],
        "libraries": ", ".join(f"{name} {v}" for name, v in found["libraries"].items()),
    }


def _tables(found: Found) -> dict[str, str]:
    grown, served = found.get("growth", {}), found.get("serving")
    sizes = {"rows": "houses in a request", "trees": "trees", "features": "features"}
    names = {"features": "features_table"}
    return {
        "serving": markdown.serving(served) if served else "",
        "failures": markdown.failures(served) if served else "",
        "in_process": markdown.in_process(found["in_process"]) if "in_process" in found else "",
        "imports": markdown.imports(found["imports"]) if "imports" in found else "",
        "batch": markdown.batch(found["batch"]) if "batch" in found else "",
        "workers": markdown.workers(grown["workers"]) if grown.get("workers") else "",
        **{
            names.get(what, what): markdown.growth(grown[what], title) if grown else ""
            for what, title in sizes.items()
        },
    }
