"""A Flask app that answers every request with the bytes of one file."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response


def make_app() -> Flask:
    app = Flask(__name__)
    answer = Path(os.environ["BENCH_ANSWER"]).read_bytes()

    @app.post("/v1/predict")
    def predict() -> Response:
        return Response(answer, content_type="application/json")

    return app
