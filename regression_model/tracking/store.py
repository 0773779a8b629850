"""The store of runs: command line first, then environment, then config."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from regression_model.errors import TrackingFailed

URI_VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"
RUN_VARIABLE = "MLFLOW_RUN_ID"  # which `mlflow run` sets for the command that it runs
TIMEOUT_VARIABLE = "REGRESSION_MODEL_TRACKING_TIMEOUT"
DEFAULT_URI = "sqlite:///mlflow.db"
DEFAULT_EXPERIMENT = "regression-model"
DEFAULT_TIMEOUT_SECONDS = 120.0  # seconds; the first run in an empty database server takes up to 30


@dataclass(frozen=True)
class Store:
    """An MLflow server or database, and the experiment that runs belong to.

    ``run_id`` is that of an existing run, into which everything is recorded.
    """

    uri: str
    experiment: str
    run_id: str | None = None

    @property
    def shown(self) -> str:
        """Return the address as it may be printed and logged: without its password."""
        return without_password(self.uri)


def store_of(
    uri: str | None = None, experiment: str | None = None, config: Mapping[str, str] | None = None
) -> Store:
    """Return the store named by arguments, else by the environment, else by the config.

    ``config`` is the section ``tracking`` of a config file. What is empty counts as absent.
    """
    section = config or {}
    return Store(
        uri or os.environ.get(URI_VARIABLE) or section.get("uri") or DEFAULT_URI,
        experiment
        or os.environ.get(EXPERIMENT_VARIABLE)
        or section.get("experiment")
        or DEFAULT_EXPERIMENT,
        os.environ.get(RUN_VARIABLE) or None,
    )


def not_there(store: Store) -> TrackingFailed:
    """Return the error for a store that lacks the run it names."""
    return TrackingFailed(
        f"{store.shown} does not have the run {store.run_id} that {RUN_VARIABLE} names. MLflow "
        f"runs a project in a folder of its own: set {URI_VARIABLE} to a server or to the absolute "
        f"path of a database. Outside of a project, unset {RUN_VARIABLE}"
    )


def check_existing_run(store: Store) -> None:
    """Refuse, without asking MLflow, an existing run whose database file is missing."""
    _, is_sqlite, path = store.uri.partition("sqlite:///")
    if store.run_id is not None and is_sqlite and not Path(path).exists():
        raise not_there(store)


def read_timeout() -> float:
    """Return the time limit in seconds; raises TrackingFailed if the variable is wrong."""
    text = os.environ.get(TIMEOUT_VARIABLE) or str(DEFAULT_TIMEOUT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise TrackingFailed(
            f"{TIMEOUT_VARIABLE} is {text!r}; expected seconds, above 0 and at most 86400"
        )
    return seconds


def without_password(text: str) -> str:
    """``text`` with the passwords of the addresses in it replaced by ``***``."""
    return re.sub(r"(://[^:/@\s]*):[^@/\s]*@", r"\1:***@", text)
