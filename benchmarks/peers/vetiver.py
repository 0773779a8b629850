"""Vetiver: a VetiverModel with a prototype of the input, its FastAPI app on uvicorn."""

from __future__ import annotations

from benchmarks.peers import Server

SERVER = Server(
    title="Vetiver",
    setting="VetiverAPI on uvicorn, 1 worker; prototype checked, no access log",
    command=(
        *("{python}", "-m", "uvicorn", "--factory", "benchmarks.apps.vetiver_app:make_app"),
        *("--no-access-log", "--host", "127.0.0.1", "--port", "{port}"),
    ),
    path="/predict",
    body=lambda house: [house],
    price=lambda answer: float(answer["predict"][0]),
    library="vetiver",
)
