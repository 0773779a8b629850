"""The name and folder of the project, and commands that tools run."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Read here, for tools run where the package is not installed.
NAME: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]


def run(command: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Run ``command``, also if it fails; return what it printed and its exit code."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **how)
