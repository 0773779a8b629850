"""The service of this project, as it is deployed, with its own gunicorn settings."""

from __future__ import annotations

from benchmarks.peers import Server, first_prediction
from regression_model.version import DISTRIBUTION

SERVER = Server(
    title="this service",
    setting="gunicorn, 1 worker, 4 threads; validation, range, warnings included",
    command=("{python}", "-m", "gunicorn", "-c", "{root}/gunicorn.conf.py", "ml_api.wsgi:app"),
    path="/v1/predict",
    body=lambda house: {"inputs": [house]},
    price=first_prediction,
    library=DISTRIBUTION,
    extras="api",
    pinned=False,
)
