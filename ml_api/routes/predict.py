"""Houses in, prices out."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, current_app, request

from ml_api import logs
from ml_api.answers import json_response
from ml_api.errors import NoRowPriced
from ml_api.guards import json_body
from ml_api.model import holder
from regression_model import parse_json

blueprint = Blueprint("predict", __name__)


@blueprint.post("/v1/regression-model/predict")
@blueprint.post("/v1/predict")
def predict() -> Response:
    """Price one house or a list of them; each row keeps its place."""
    body = json_body(request, limit=current_app.config["ML_API_MAX_BODY_BYTES"])
    rows = _rows(body)
    started = time.perf_counter()
    result = holder().get().predict_rows(rows, from_json=True)
    logs.predict_output(result, seconds=time.perf_counter() - started)
    if all(price is None for price in result["predictions"]):
        raise NoRowPriced(result)
    return json_response(result)


def _rows(body: bytes) -> list[Any]:
    """The rows of the body, which is logged whatever becomes of it."""
    rows = None
    try:
        rows = parse_json(body)
        return rows
    finally:
        logs.predict_input(body, rows=None if rows is None else len(rows))
