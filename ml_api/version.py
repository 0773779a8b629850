"""The version of the service, which its file VERSION alone holds."""

from __future__ import annotations

from importlib.resources import files

VERSION = files("ml_api").joinpath("VERSION").read_text("ascii").strip()
