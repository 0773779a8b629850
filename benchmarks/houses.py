"""The houses that are asked for, and what the model answers."""

from __future__ import annotations

import json
from typing import Any

from regression_model import Model
from regression_model.sales.sample import generate

House = dict[str, Any]


def generated(model: Model, count: int) -> list[House]:
    """``count`` generated houses, complete but for what the generator leaves out; no Id."""
    names = [f.name for f in model.spec.inputs]
    rows: list[House] = json.loads(
        generate(count, spec=model.spec)[names].to_json(orient="records")
    )
    return rows


def body_of(houses: list[House]) -> bytes:
    """The request that asks the service for ``houses``."""
    return json.dumps({"inputs": houses}).encode()
