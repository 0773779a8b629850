"""The name of the project, for tools that run where its package is not installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
