"""Trainings, searches and experiments as runs of MLflow; imported only where tracking is asked for.

What is tracked is always a file or folder that is already saved, and MLflow is imported by the
command ``track`` alone: a training starts that command as a process of its own, for a limited time.

MLflow reads the environment as it is imported, which is why it is set here. Data goes only
to the store, and no server is waited for long. All of it can be set otherwise in the
environment, but for the telemetry, which is off.
"""

import os

os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(_name, _value)
