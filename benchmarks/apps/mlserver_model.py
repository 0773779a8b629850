"""Write the settings of an MLServer for the fitted pipeline into the folder that is named."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from benchmarks.apps import pipeline_file


def server_settings() -> dict[str, Any]:
    """No process beside the one that answers, nothing logged for each request."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        grpc_port = unused.getsockname()[1]
    return {
        "host": "127.0.0.1",
        "http_port": int(os.environ["PORT"]),
        "grpc_port": grpc_port,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "debug": False,
    }


def model_settings() -> dict[str, Any]:
    return {
        "name": "house-prices",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(pipeline_file())},
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.joinpath("settings.json").write_text(json.dumps(server_settings()))
    folder.joinpath("model-settings.json").write_text(json.dumps(model_settings()))
