"""The route of prices as Flask sees it: there is one, and ``ml_api.front`` answers it."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint

from ml_api.front import PREDICT_PATHS

blueprint = Blueprint("predict", __name__)


def unreachable() -> NoReturn:
    """The front has given the prices, or what it left was raised before this is called."""
    raise AssertionError("ml_api.front let a request for prices through")


for path in PREDICT_PATHS:
    blueprint.add_url_rule(path, view_func=unreachable, methods=["POST"])
