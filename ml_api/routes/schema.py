"""What a house looks like."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from ml_api.answers import json_response
from ml_api.contract.operations import answers
from ml_api.model import holder

blueprint = Blueprint("schema", __name__)


@blueprint.get("/v1/regression-model/schema")
@answers(dict[str, Any], refusals=(503,))
def schema() -> Response:
    """The JSON Schema of one house, as the loaded model expects it."""
    return json_response(holder().get().json_schema())
