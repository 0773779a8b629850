"""A Vetiver API around the fitted pipeline."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, create_model
from vetiver import VetiverAPI, VetiverModel
from vetiver.prototype import vetiver_create_prototype

from benchmarks.apps import houses, load_pipeline


def make_app() -> Any:
    """The FastAPI app; every field of its prototype may be null, as those of the houses may."""
    kinds = {name: str for house in houses() for name, x in house.items() if isinstance(x, str)}
    fields: dict[str, Any] = {
        name: (kinds.get(name, float) | None, None) for house in houses() for name in house
    }
    prototype = create_model("House", **fields)
    # Prototypes that Vetiver makes of data have no nulls; it takes others when it is told how.
    vetiver_create_prototype.register(type(BaseModel), lambda given: given)
    return VetiverAPI(VetiverModel(load_pipeline(), "house", prototype_data=prototype)).app
