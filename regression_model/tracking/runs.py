"""A run as it is to be recorded, before anybody talks to MLflow."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Data:
    """The sales behind a run; ``columns`` are name and type (``double`` or ``string``).

    ``used_for`` is what MLflow calls the context of a data set.
    """

    name: str
    source: str
    sha256: str
    rows: int
    columns: Sequence[tuple[str, str]] = ()
    used_for: str = "training"


@dataclass(frozen=True)
class Run:
    """One run: what was chosen, what came of it, and the files that belong to it.

    ``series`` are metrics by step, which count from 1, ``samples`` are those that were taken at a
    time (time, value). ``files`` are paths, or what makes one when it is wanted, each with the
    folder of the run that receives it; folders are taken with all that is in them. Times are
    seconds since 1970. ``children`` are nested runs, recorded on the same data.
    """

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    samples: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    data: Data | None = None
    files: Sequence[tuple[Path | Callable[[], Path], str]] = ()
    children: Sequence[Run] = ()
    failed: bool = False
    started: float | None = None
    ended: float | None = None


def flattened(value: Any, name: str = "") -> dict[str, str]:
    """Nested values as texts under dotted names; a list is one value, written as JSON."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= flattened(inner, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(value, str):
        return {name: value}
    return {name: json.dumps(value, ensure_ascii=False)}


def defined(values: Mapping[str, float | None], prefix: str = "") -> dict[str, float]:
    """Return the metrics that have a value, under ``prefix``: databases refuse others."""
    return {
        f"{prefix}{name}": float(value)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }
