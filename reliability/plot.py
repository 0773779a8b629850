"""A plot of what a worker holds over its requests, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from regression_model.pages.figures import BLUE, QUIET
from reliability.memory import MEBIBYTE
from reliability.soak import SETTLED
from tools.measuring.published import write_plot

LABEL = "Memory of a worker over its requests"


def write_memory(path: Path, samples: Sequence[Sequence[int]]) -> None:
    """Draw pairs of requests and bytes; what is judged begins at the line."""
    requests = [count / 1000 for count, _ in samples]
    sizes = [size / MEBIBYTE for _, size in samples]

    def plot(canvas: Figure) -> None:
        axes = canvas.add_subplot()
        axes.plot(requests, sizes, color=BLUE)
        axes.axvline(SETTLED * requests[-1], color=QUIET, linewidth=0.8, linestyle=":")
        axes.set(xlim=(0, requests[-1]), ylim=(0, max(sizes) * 1.25))
        axes.set_title("Memory of a worker (MiB) over its requests (thousands)")

    write_plot(path, plot, label=LABEL, size=(8, 2.6))
