"""What a release weighs: its files, what they are installed with, the layers of the image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.rehearsal.checkout import Checkout, Release
from tools.release.project import NAME

EXTRAS = ("", "[api]", "[train]")


class Size(NamedTuple):
    """Bytes of something; where that is installed, how many packages it takes."""

    what: str
    size: int
    packages: int | None = None


def sizes(made: Release, project: Checkout, folder: Path) -> list[Size]:
    """Wheel and sdist, and what a new environment grows by with the wheel, bare or with extras."""
    files = [Size(f"`{path.name}`", path.stat().st_size) for path in (made.wheel, made.sdist)]
    return [*files, *(installed(made.wheel, extra, project, folder) for extra in EXTRAS)]


def installed(wheel: Path, extra: str, project: Checkout, folder: Path) -> Size:
    """What the wheel with an extra adds to a new environment, pip left out."""
    name = f"{NAME}{extra}"
    environment = folder / (extra.strip("[]") or "base")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    empty = weight(environment)
    pip = [str(environment / "bin" / "python"), "-m", "pip"]
    constraints = project.folder / "requirements" / "constraints.txt"
    project.run([*pip, "install", "--quiet", "-c", str(constraints), f"{wheel}{extra}"], name)
    listed = project.run([*pip, "freeze", "--exclude", "pip", "--exclude", "setuptools"], name)
    return Size(f"`{name}` installed", weight(environment) - empty, len(listed.splitlines()))


def weight(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def image_layers(printed: str) -> str:
    """The table of layers in what ``tox -e image`` prints."""
    return "\n".join(line for line in printed.splitlines() if line.startswith("|"))
