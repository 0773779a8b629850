"""Fill a run that exists already: `mlflow run` begins one, and expects to find everything in it."""

from __future__ import annotations

from dataclasses import replace

from mlflow import MlflowClient
from mlflow.entities import Run as ExistingRun
from mlflow.exceptions import MlflowException

from regression_model.errors import TrackingFailed
from regression_model.tracking.failures import cut
from regression_model.tracking.runs import Run
from regression_model.tracking.store import RUN_VARIABLE, Store, not_there

NOTE = "mlflow.note.content"


def read_run(client: MlflowClient, store: Store) -> ExistingRun:
    """Return the run that ``store`` names; raises TrackingFailed if it cannot be filled."""
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


def without_conflicts(run: Run, existing: ExistingRun, *, prefix: str, longest: int) -> Run:
    """Return ``run`` without what would overwrite values of the existing run.

    MLflow refuses a second value for a parameter: the name of such a parameter gets ``prefix``.
    Source and description stay those of the program that began the run.
    """
    params, tags = existing.data.params, existing.data.tags
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


def forget_children(client: MlflowClient, existing: ExistingRun, run: Run) -> None:
    """Delete the nested runs that a failed attempt has left."""
    names = {child.name for child in run.children}
    parent = f"tags.`mlflow.parentRunId` = '{existing.info.run_id}'"
    for child in client.search_runs([existing.info.experiment_id], filter_string=parent):
        if child.info.run_name in names:
            client.delete_run(child.info.run_id)
