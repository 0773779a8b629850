"""Published figures: results as JSON, pages made from templates, plots as files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from regression_model.files.atomic_file import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
Found = dict[str, Any]


def write_results(found: Found, path: Path) -> None:
    """Write ``found``: every sample, so that any figure can be derived."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"format": FORMAT, **_short(found)}, indent=1) + "\n")


def read_results(path: Path) -> Found:
    """Return what :func:`write_results` wrote. Raises SystemExit for another format."""
    found: Found = json.loads(path.read_text("utf-8"))
    if found.pop("format", None) != FORMAT:
        raise SystemExit(f"{path}: not results of format {FORMAT}; measure anew")
    return found


def write_page(template: Path, page: Path, values: Found) -> None:
    """Write ``template`` with ``values`` filled in as ``page``; empty ones leave no gap."""
    text = Template(template.read_text("utf-8")).substitute(values)
    write_text(page, re.sub(r"\n{3,}", "\n\n", text))


def write_plot(
    path: Path, plot: Callable[[Figure], None], *, label: str, size: tuple[float, float]
) -> None:
    """Write what ``plot`` draws as an SVG file with the font and background that a page gives."""
    from regression_model.pages.figures import draw

    head, _, rest = draw(plot, name=path.stem, label=label, size=size).partition(">")
    font = ' font-family="Helvetica, Arial, sans-serif"'
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f'{head}{font}>\n<rect width="100%" height="100%" fill="white"/>{rest}\n')


def _short(value: Any) -> Any:
    """Six significant digits are more than a clock is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, (list, tuple)) else value
