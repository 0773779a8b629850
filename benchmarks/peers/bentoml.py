"""BentoML: a service class whose method takes a DataFrame, in the only worker of ``serve``."""

from __future__ import annotations

from benchmarks.peers import Server

SERVER = Server(
    title="BentoML",
    setting="`serve`, 1 worker; DataFrame in, list out; no access log",
    command=(
        *("{bin}/bentoml", "serve", "benchmarks.apps.bentoml_service:HousePrices"),
        *("--host", "127.0.0.1", "--port", "{port}"),
    ),
    path="/predict",
    body=lambda house: {"inputs": [house]},
    price=lambda answer: float(answer[0]),
    library="bentoml",
)
