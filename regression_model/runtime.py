"""ONNX Runtime, which keeps to itself here.

From 1.31 on its Linux wheels record each session in a database in the user's cache and try to send
it home. That is switched off unless the environment says otherwise; it is read at the import.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort  # after the switch

__all__ = ["ort"]
