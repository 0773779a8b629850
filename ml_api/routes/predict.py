"""The route of prices as Flask sees it: there is one, and ``ml_api.front`` answers it."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint
from werkzeug.exceptions import MethodNotAllowed

from ml_api.contract.operations import PREDICT_REQUEST, answers
from ml_api.front import PREDICT_PATHS
from regression_model import Prediction

blueprint = Blueprint("predict", __name__)


@answers(Prediction, refusals=(400, 408, 413, 415, 422, 503), asks=PREDICT_REQUEST)
def predict() -> NoReturn:
    """The prices of houses, each with its range.

    `n` houses in, `n` outcomes out, in order: a price, or null and the reasons in `errors`. The
    status is 200 where at least one house has a price. With `explain`, each price comes with what
    every field adds to it, and with the most similar sales.
    """
    # The front has answered every POST. To HTTP `post` is another method, to Flask it is the same.
    raise MethodNotAllowed(["OPTIONS", "POST"])


for path, endpoint in zip(PREDICT_PATHS, ("predict", "predict_by_its_short_name"), strict=True):
    blueprint.add_url_rule(path, endpoint, view_func=predict, methods=["POST"])
