"""The service's gunicorn settings without the hooks that are about its model."""

from __future__ import annotations

import runpy
from pathlib import Path

from gunicorn.config import KNOWN_SETTINGS

_service = runpy.run_path(str(Path(__file__).resolve().parents[2] / "gunicorn.conf.py"))
_names = {setting.name for setting in KNOWN_SETTINGS}
_pinning = ("pre_fork", "post_fork")
globals().update(
    {k: v for k, v in _service.items() if k in _names and (not callable(v) or k in _pinning)}
)
