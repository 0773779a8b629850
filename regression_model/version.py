"""The version of the package, which is the version of the model it carries."""

from __future__ import annotations

from importlib import resources

VERSION = resources.files("regression_model").joinpath("VERSION").read_text("utf-8").strip()
