"""The golden houses of an artifact: generated houses, and what the model answered in training."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from regression_model.artifact import GOLDEN, Artifact
from regression_model.errors import ArtifactCorrupt


@with_config(ConfigDict(extra="forbid", allow_inf_nan=False))
class GoldenHouse(TypedDict):
    """A house and its price in dollars, null where the house is refused."""

    house: dict[str, Any]
    prediction: float | None


_HOUSES = TypeAdapter(Annotated[list[GoldenHouse], Field(max_length=10_000)])


def golden_houses(artifact: Artifact) -> list[GoldenHouse]:
    """Return the golden houses of ``artifact``, at least one of which has a price.

    Raises :class:`ArtifactCorrupt` where the file holds anything else.
    """
    try:
        houses = _HOUSES.validate_json(artifact.read(GOLDEN), strict=True)
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ArtifactCorrupt(
            f"{GOLDEN} of artifact {artifact.name} holds no golden houses: {said}; train a new one"
        ) from None
    if all(one["prediction"] is None for one in houses):
        raise ArtifactCorrupt(
            f"{GOLDEN} of artifact {artifact.name} holds no house with a price, "
            "so nothing can be proven by it; train a new one"
        )
    return houses
