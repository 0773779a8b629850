"""Houses in, prices out."""

from __future__ import annotations

import time

from flask import Blueprint, Response, current_app, request

from ml_api import logs
from ml_api.answers import json_response
from ml_api.errors import NoRowPriced, TooManyToExplain
from ml_api.guards import json_body
from ml_api.model import cannot_explain, holder
from regression_model import ArtifactError, Request, parse_request

blueprint = Blueprint("predict", __name__)


@blueprint.post("/v1/regression-model/predict")
@blueprint.post("/v1/predict")
def predict() -> Response:
    """Price one house or a list of them; each row keeps its place."""
    body = json_body(request, limit=current_app.config["ML_API_MAX_BODY_BYTES"])
    rows, explain = _asked(body)
    most = current_app.config["ML_API_MAX_EXPLAINED_ROWS"]
    if explain and len(rows) > most:
        raise TooManyToExplain(len(rows), most)
    started = time.perf_counter()
    try:
        result = holder().get().predict_rows(rows, from_json=True, explain=explain)
    except ArtifactError as error:
        raise cannot_explain(error) from error
    logs.predict_output(result, seconds=time.perf_counter() - started)
    if all(price is None for price in result["predictions"]):
        raise NoRowPriced(result)
    return json_response(result)


def _asked(body: bytes) -> Request:
    """What the body asks for; it is logged whatever becomes of it."""
    asked = None
    try:
        asked = parse_request(body)
        return asked
    finally:
        logs.predict_input(body, rows=None if asked is None else len(asked.rows))
