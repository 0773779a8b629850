"""A Flask app that gives the fitted pipeline one row at a time."""

from __future__ import annotations

import pandas as pd
from flask import Flask, request

from benchmarks.apps import load_pipeline


def make_app() -> Flask:
    app = Flask(__name__)
    pipeline = load_pipeline()

    @app.post("/predict")
    def predict() -> dict[str, list[float]]:
        return {"predictions": pipeline.predict(pd.DataFrame([request.get_json()])).tolist()}

    return app
