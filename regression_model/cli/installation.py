"""What else is installed under the import name of this package."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

from regression_model.version import DISTRIBUTION

_FOLDER = Path(__file__).resolve().parents[1]  # of the package


def foreign_distributions() -> list[str]:
    """Return name and version of every other distribution with files in the folder of this package.

    Two distributions that bring a package of one name overwrite each other's files.
    """
    found = {
        f"{one.metadata['Name']} {one.version}"
        for one in distributions()
        if _normalized(one.metadata["Name"] or "") != DISTRIBUTION and _has_files_here(one)
    }
    return sorted(found)


def _has_files_here(distribution: Distribution) -> bool:
    # Only what is installed has a RECORD; a checkout may hold what an older build left.
    installed = (distribution.read_text("RECORD") or "").splitlines()
    if not any(line.startswith(f"{_FOLDER.name}/") for line in installed):
        return False
    return Path(str(distribution.locate_file(_FOLDER.name))).resolve() == _FOLDER


def _normalized(name: str) -> str:
    """Return a name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
