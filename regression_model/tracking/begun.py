"""Runs that others began for us: `mlflow run` names one, and expects to find everything in it."""

from __future__ import annotations

from dataclasses import replace

from mlflow import MlflowClient
from mlflow.entities import Run as Begun
from mlflow.exceptions import MlflowException

from regression_model.errors import TrackingFailed
from regression_model.tracking.failures import cut
from regression_model.tracking.runs import Run
from regression_model.tracking.store import RUN_VARIABLE, Store, not_there

NOTE = "mlflow.note.content"


def begun_run(client: MlflowClient, store: Store) -> Begun:
    """The run that ``store`` names; raises :class:`TrackingFailed` where it cannot be filled."""
    try:
        found = client.get_run(store.run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise not_there(store) from error
        raise
    if found.info.lifecycle_stage != "active":
        raise TrackingFailed(
            f"the run {store.run_id} that {RUN_VARIABLE} names is deleted; restore it "
            f"(mlflow runs restore --run-id {store.run_id}) or unset {RUN_VARIABLE}"
        )
    return found


def fitted(run: Run, begun: Begun, *, prefix: str, longest: int) -> Run:
    """``run`` without what would overwrite what ``begun`` says of itself.

    MLflow refuses another value for a parameter that is there: such a one gets ``prefix``. Where
    the run came from, and its description, are for whoever began it to say.
    """
    params, tags = begun.data.params, begun.data.tags
    return replace(
        run,
        params={
            name if params.get(name) in (None, cut(text, longest)) else f"{prefix}.{name}": text
            for name, text in run.params.items()
        },
        tags={
            name: text
            for name, text in run.tags.items()
            if not (name.startswith("mlflow.") and name in tags)
        },
        description="" if NOTE in tags else run.description,
    )


def forget_children(client: MlflowClient, begun: Begun, run: Run) -> None:
    """Delete the nested runs that an attempt which failed has left."""
    names = {child.name for child in run.children}
    parent = f"tags.`mlflow.parentRunId` = '{begun.info.run_id}'"
    for child in client.search_runs([begun.info.experiment_id], filter_string=parent):
        if child.info.run_name in names:
            client.delete_run(child.info.run_id)
