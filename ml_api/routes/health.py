"""Is the process alive, is the model sound, and which model is it."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint, Response
from pydantic import Field
from typing_extensions import TypedDict

from ml_api.answers import json_response
from ml_api.contract.operations import answers
from ml_api.model import ModelUnavailable, holder
from ml_api.revision import revision
from ml_api.version import VERSION

blueprint = Blueprint("health", __name__)

TEXT = "text/plain; charset=utf-8"


class Readiness(TypedDict):
    """The service can give prices."""

    status: Literal["ready"]
    model_version: Annotated[str, Field(description="The version of the model.")]


class Versions(TypedDict):
    """Which model answers, and which service."""

    model_version: Annotated[str, Field(description="The version of the model.")]
    artifact: Annotated[str, Field(description="The name of its artifact.")]
    origin: Annotated[str, Field(description="Where it came from: package, folder or registry.")]
    data: Annotated[str, Field(description="What it learned from; sample means generated houses.")]
    trained_at: Annotated[str, Field(description="When it was trained (ISO 8601).")]
    api_version: Annotated[str, Field(description="The version of the service.")]
    revision: Annotated[
        str | None, Field(description="The source commit of the service; null where unknown.")
    ]


@blueprint.get("/health")
@answers(Literal["ok"], TEXT)
def health() -> Response:
    """The process answers. Touches no model, so a broken one gets no worker restarted."""
    return Response("ok", content_type=TEXT)


@blueprint.get("/ready")
@answers(Readiness, refusals=(503,))
def ready() -> Response:
    """The model is loaded and its golden houses have their prices."""
    if holder().faults():
        raise ModelUnavailable(
            "The golden houses of the installed model do not have their recorded prices."
        )
    return json_response({"status": "ready", "model_version": holder().get().version})


@blueprint.get("/version")
@answers(Versions, refusals=(503,))
def version() -> Response:
    """The versions of the model and of this service, and where both came from."""
    service = {"api_version": VERSION, "revision": revision()}
    return json_response({**holder().info(), **service})
