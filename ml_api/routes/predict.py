"""Houses in, prices out."""

from __future__ import annotations

import time

from flask import Blueprint, Response, current_app, request

from ml_api import logs
from ml_api.answers import json_response
from ml_api.errors import NoRowPriced
from ml_api.guards import json_body
from ml_api.model import holder

blueprint = Blueprint("predict", __name__)


@blueprint.post("/v1/regression-model/predict")
@blueprint.post("/v1/predict")
def predict() -> Response:
    """Price one house or a list of them; each row keeps its place."""
    body = json_body(request, limit=current_app.config["ML_API_MAX_BODY_BYTES"])
    logs.predict_input(body)
    started = time.perf_counter()
    result = holder().get().predict_json(body)
    logs.predict_output(result, seconds=time.perf_counter() - started)
    if all(price is None for price in result["predictions"]):
        raise NoRowPriced(result)
    return json_response(result)
