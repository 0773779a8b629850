"""Stands in for MLflow's client, which has an environment of its own.

The registry is the folder of MLFLOW_TRACKING_URI: `champion` holds the number of a version, `1`,
`2` and so on the artifacts of versions; `down` holds what fails, `hang` makes every question hang;
`asked` gets a line each time.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

from mlflow.exceptions import MlflowException


class MlflowClient:
    def __init__(self, *, tracking_uri: str, registry_uri: str) -> None:
        self._folder = Path(tracking_uri)

    def get_registered_model(self, name: str) -> SimpleNamespace:
        self._ask()
        return SimpleNamespace(aliases={"champion": (self._folder / "champion").read_text()})

    def get_model_version(self, name: str, version: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, version=version, run_id="", creation_timestamp=0, tags={})

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        return str(self._folder / version)

    def _ask(self) -> None:
        with (self._folder / "asked").open("a") as asked:
            asked.write(f"{os.getpid()}\n")
        if (self._folder / "hang").exists():
            child = subprocess.Popen(["sleep", "600"])
            (self._folder / "hanging").write_text(f"{os.getpid()} {child.pid}")
            child.wait()
        if (self._folder / "down").exists():
            raise MlflowException((self._folder / "down").read_text())
