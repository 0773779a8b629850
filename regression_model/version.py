"""What is installed: the name of the distribution, and its version, which is that of its model."""

from __future__ import annotations

from importlib import resources

DISTRIBUTION = "house-price-regression"  # as in pyproject.toml; the import name is another one
VERSION = resources.files("regression_model").joinpath("VERSION").read_text("utf-8").strip()
