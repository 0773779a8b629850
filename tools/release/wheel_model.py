"""The model inside of a wheel, read without installing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tools.release.verify_distributions import GOLDEN


def golden_houses(wheel: Path) -> tuple[str, list[dict[str, Any]]]:
    """The name of the artifact, and its houses with their prices (null where there is none)."""
    with ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(f"/{GOLDEN}"))
        rows: list[dict[str, Any]] = json.loads(archive.read(path))
    return path.split("/")[-2], rows
