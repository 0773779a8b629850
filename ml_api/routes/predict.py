"""The route of prices as Flask sees it: where there are none to give."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ml_api.front import FAILURE, PREDICT_PATHS

blueprint = Blueprint("predict", __name__)


def refuse() -> Response:
    """Raise what kept ``ml_api.front`` from giving prices, for the handler of errors."""
    raise request.environ.pop(FAILURE)


for path in PREDICT_PATHS:
    blueprint.add_url_rule(path, view_func=refuse, methods=["POST"])
