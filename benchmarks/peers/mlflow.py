"""MLflow: the pipeline saved with ``mlflow.sklearn`` and served by ``mlflow models serve``."""

from __future__ import annotations

from benchmarks.peers import Server, first_prediction

SERVER = Server(
    title="MLflow",
    setting="`models serve`, uvicorn, 1 worker; no signature, so that no schema is enforced",
    prepare=("{python}", "-m", "benchmarks.apps.mlflow_model", "{work}/model"),
    command=(
        *("{bin}/mlflow", "models", "serve", "--model-uri", "{work}/model"),
        *("--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}"),
    ),
    path="/invocations",
    body=lambda house: {"dataframe_split": {"columns": list(house), "data": [[*house.values()]]}},
    price=first_prediction,
    library="mlflow",
)
