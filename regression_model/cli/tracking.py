"""What the commands that can be tracked share: whether, where, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regression_model.cli.screen import messages, progress_bar
from regression_model.errors import MissingDependency

if TYPE_CHECKING:
    from regression_model.tracking.store import Store
    from regression_model.tracking.subprocess_tracking import Outcome

track_option = click.option(
    "--track/--no-track",
    default=None,
    help="Record it as a run of MLflow. Default: where MLFLOW_TRACKING_URI is set, or the config "
    "has a section `tracking`.",
)

uri_option = click.option(
    "--uri",
    metavar="URI",
    help="MLflow server or database. Default: MLFLOW_TRACKING_URI, which is the place for one "
    "with a password, else sqlite:///mlflow.db.",
)
experiment_option = click.option(
    "--experiment",
    metavar="NAME",
    help="Default: MLFLOW_EXPERIMENT_NAME, else regression-model.",
)


def asked_store(track: bool | None, text: str, *, label: str) -> Store | None:
    """Return where to record, None where that is not asked for; ``text`` is the config's.

    Refuses before the work begins what could only fail after it.
    """
    if track is False:
        return None
    from regression_model.config.reader import parse_tracking
    from regression_model.tracking.store import (
        URI_VARIABLE,
        check_existing_run,
        read_timeout,
        store_of,
    )

    section = parse_tracking(text, label=label)
    if track is None and section is None and not os.environ.get(URI_VARIABLE):
        return None
    if track and find_spec("mlflow") is None:
        raise MissingDependency("mlflow", extra="mlflow", purpose="--track")
    read_timeout()
    store = store_of(config=section)
    check_existing_run(store)
    return store


def track_saved(saved: Path, store: Store, *, options: Sequence[str] = ()) -> Outcome:
    """Record what was saved, for a limited time; what fails is said and does no harm."""
    from regression_model.tracking.store import read_timeout
    from regression_model.tracking.subprocess_tracking import track_in_subprocess

    with progress_bar() as bar:
        bar.add_task(f"Recording in {store.shown}", total=None)
        outcome = track_in_subprocess(saved, store, timeout=read_timeout(), options=options)
    if outcome.run is None:
        messages().print(
            f"not tracked: {outcome.error}. Nothing is lost; record it later with: {outcome.later}",
            markup=False,
            soft_wrap=True,
            style="bold yellow",
        )
    else:
        where = outcome.run["url"] or f"{store.shown}, run {outcome.run['run_id']}"
        messages().print(f"tracked: {where}", markup=False, soft_wrap=True)
    return outcome


def fail_if_required(store: Store | None, outcome: Outcome | None) -> None:
    """End with 2 if nothing was recorded in a run that exists already.

    `mlflow run` would call that run finished. Without such a run, a failure of tracking ends no
    command.
    """
    if store is not None and store.run_id is not None and outcome is not None and not outcome.run:
        click.get_current_context().exit(2)
