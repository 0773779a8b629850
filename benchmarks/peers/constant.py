"""The floor: Flask answers a constant, the bytes that the service answers for the first house."""

from __future__ import annotations

from benchmarks.peers import Server, first_prediction

SERVER = Server(
    title="Flask answering a constant",
    setting="gunicorn with the service's settings; reads no input",
    command=(
        *("{python}", "-m", "gunicorn", "-c", "python:benchmarks.apps.gunicorn_settings"),
        "benchmarks.apps.constant:make_app()",
    ),
    path="/v1/predict",
    body=lambda house: {"inputs": [house]},
    price=first_prediction,
    library="flask",
    extras="api",
    pinned=False,
)
