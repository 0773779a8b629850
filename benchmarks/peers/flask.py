"""What most people write first: one Flask route in front of the fitted pipeline."""

from __future__ import annotations

from benchmarks.peers import Server, first_prediction

SERVER = Server(
    title="Flask + scikit-learn",
    setting="gunicorn with the service's settings; one-row DataFrame",
    command=(
        *("{python}", "-m", "gunicorn", "-c", "python:benchmarks.apps.gunicorn_settings"),
        "benchmarks.apps.flask_app:make_app()",
    ),
    path="/predict",
    body=lambda house: house,
    price=first_prediction,
    library="flask",
    extras="train,api",
    pinned=False,
)
