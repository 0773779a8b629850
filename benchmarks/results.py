"""What was measured, as one JSON file: every round's sample, so that any figure can be derived."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from regression_model.files.atomic_file import write_text

SECTIONS = ("serving", "in_process", "imports", "growth", "batch")
FORMAT = 1
NAME = "benchmarks/results.json"


def write(found: dict[str, Any], folder: Path) -> None:
    """Write the results below ``folder``."""
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"format": FORMAT, **_short(found)}, indent=1) + "\n")


def read(path: Path) -> dict[str, Any]:
    """What :func:`write` wrote. Raises SystemExit for another format."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if found.pop("format", None) != FORMAT:
        raise SystemExit(f"{path}: not results of format {FORMAT}; measure anew")
    return found


def _short(value: Any) -> Any:
    """Six significant digits are more than a clock is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, (list, tuple)) else value
