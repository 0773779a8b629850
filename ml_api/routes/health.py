"""Is the process alive, is the model sound, and which model is it."""

from __future__ import annotations

from flask import Blueprint, Response

import ml_api
from ml_api.answers import json_response
from ml_api.model import ModelUnavailable, holder

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """The process answers. Touches no model, so a broken one gets no worker restarted."""
    return Response("ok", content_type="text/plain; charset=utf-8")


@blueprint.get("/ready")
def ready() -> Response:
    """The model is loaded and answers its golden rows."""
    if holder().faults():
        raise ModelUnavailable("The installed model does not answer its golden rows as it should.")
    return json_response({"status": "ready", "model_version": holder().get().version})


@blueprint.get("/version")
def version() -> Response:
    """The versions of the model and of this service, and where the model came from."""
    return json_response({**holder().get().info(), "api_version": ml_api.__version__})
