"""Runs into MLflow, by its client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from regression_model.errors import TrackingFailed
from regression_model.tracking.existing_run import (
    NOTE,
    forget_children,
    read_run,
    without_conflicts,
)
from regression_model.tracking.failures import cut, failures
from regression_model.tracking.runs import Data, Run
from regression_model.tracking.store import Store

Step = Callable[[str], None]
_Item = TypeVar("_Item")

WHOLE = "recorded"  # the tag that a run has when all of it is there
_LONGEST_PARAM, _LONGEST_TAG = 6000, 5000
_SHORT = 8  # of a digest, before a name
_DIGITS = 12  # of a checksum, where pages show it beside a name
_MAX_PARAMS, _MAX_METRICS = 100, 1000
# Else MLflow shows the pages that are made for language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Recorded:
    """A run as it is in MLflow; ``url`` where a server shows it, ``before`` if it was there."""

    run_id: str
    experiment: str
    experiment_id: str
    url: str | None
    before: bool = False


def steps_of(run: Run) -> int:
    """Return how many steps :func:`send` reports."""
    return 1 + len(run.files) + sum(map(steps_of, run.children))


def send(run: Run, store: Store, *, identity: str, step: Step = lambda _: None) -> Recorded:
    """Record ``run`` and its nested runs in ``store``, and return where it is.

    ``identity`` is the name of a tag of the run. A finished run of the experiment that has the
    same value there is left as it is and returned; unfinished ones, of attempts that failed, are
    deleted (MLflow keeps them restorable). Where others began a run for it, all goes into that
    run in any case. Raises :class:`TrackingFailed`, in one line.
    """
    with failures(store, TrackingFailed, "did not take the run"):
        client = MlflowClient(tracking_uri=store.uri)
        if store.run_id is not None:
            return _join(client, store, run, identity, step)
        experiment = _experiment(client, store.experiment)
        found = _before(client, experiment, identity, run.tags[identity])
        run_id = found or _record(client, experiment, run, step)
    url = _url(store, experiment, run_id)
    return Recorded(run_id, store.experiment, experiment, url, before=found is not None)


def _join(client: MlflowClient, store: Store, run: Run, identity: str, step: Step) -> Recorded:
    """Put ``run`` into the run that others began, and which they will end."""
    found = read_run(client, store)
    run_id, experiment = str(found.info.run_id), str(found.info.experiment_id)
    value, tags = run.tags[identity], found.data.tags
    before = WHOLE in tags and tags.get(identity) == value
    if not before:
        forget_children(client, found, run)
        said = without_conflicts(run, found, prefix=value[:_SHORT], longest=_LONGEST_PARAM)
        # Not before its end is it known as a run of what it holds, so that no attempt at a run of
        # our own takes it for one that failed.
        others = {name: text for name, text in _tags(said).items() if name != identity}
        client.log_batch(run_id, tags=[RunTag(*item) for item in others.items()])
        _fill(client, experiment, run_id, said, step)
        client.log_batch(run_id, tags=[RunTag(identity, value), RunTag(WHOLE, "whole")])
    name = str(client.get_experiment(experiment).name)
    return Recorded(run_id, name, experiment, _url(store, experiment, run_id), before=before)


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, tags=_KIND))
    if found.lifecycle_stage != "active":
        raise TrackingFailed(
            f"the experiment {name!r} is deleted; restore it (mlflow experiments restore "
            f"-x {found.experiment_id}) or name another"
        )
    return str(found.experiment_id)


def _before(client: MlflowClient, experiment: str, identity: str, value: str) -> str | None:
    """Return the finished run of what is to be recorded; what earlier attempts left is deleted."""
    runs = client.search_runs([experiment], filter_string=f"tags.{identity} = '{value}'")
    whole = [run.info.run_id for run in runs if WHOLE in run.data.tags]
    for run in runs:
        if run.info.run_id not in whole:
            parent = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
            for child in client.search_runs([experiment], filter_string=parent):
                client.delete_run(child.info.run_id)
            client.delete_run(run.info.run_id)
    return str(whole[0]) if whole else None


def _record(
    client: MlflowClient, experiment: str, run: Run, step: Step, parent: str | None = None
) -> str:
    started = time.time() if run.started is None else run.started
    created = client.create_run(
        experiment,
        start_time=_milliseconds(started),
        run_name=run.name,
        tags={**_tags(run), **({"mlflow.parentRunId": parent} if parent else {})},
    )
    run_id = str(created.info.run_id)
    _fill(client, experiment, run_id, replace(run, started=started), step)
    client.log_batch(run_id, tags=[RunTag(WHOLE, "whole")])
    ended = time.time() if run.ended is None else run.ended
    status = "FAILED" if run.failed else "FINISHED"
    client.set_terminated(run_id, status, _milliseconds(ended))
    return run_id


def _tags(run: Run) -> dict[str, str]:
    described = {NOTE: run.description} if run.description else {}
    return {name: cut(text, _LONGEST_TAG) for name, text in {**run.tags, **described}.items()}


def _fill(client: MlflowClient, experiment: str, run_id: str, run: Run, step: Step) -> None:
    """Values, files and nested runs of ``run`` into one that is there."""
    _log_values(client, run_id, run, time.time() if run.started is None else run.started)
    if run.data is not None:
        client.log_inputs(run_id, [_dataset(run.data)])
    step(run.name)
    for file, place in run.files:
        path = file() if callable(file) else file
        send_file = client.log_artifacts if path.is_dir() else client.log_artifact
        send_file(run_id, str(path), place or None)
        step(path.name)
    for child in run.children:
        _record(client, experiment, child, step, run_id)


def _log_values(client: MlflowClient, run_id: str, run: Run, started: float) -> None:
    now = _milliseconds(started)
    params = [Param(name, cut(value, _LONGEST_PARAM)) for name, value in run.params.items()]
    metrics = [Metric(name, value, now, 0) for name, value in run.metrics.items()]
    metrics += [
        Metric(name, value, now, number)
        for name, values in run.series.items()
        for number, value in enumerate(values, 1)
    ]
    metrics += [
        Metric(name, value, _milliseconds(at), number)
        for name, samples in run.samples.items()
        for number, (at, value) in enumerate(samples, 1)
    ]
    for some_params in _parts(params, _MAX_PARAMS):
        client.log_batch(run_id, params=some_params)
    for some_metrics in _parts(metrics, _MAX_METRICS):
        client.log_batch(run_id, metrics=some_metrics)


def _dataset(data: Data) -> DatasetInput:
    columns = [{"name": name, "type": kind, "required": False} for name, kind in data.columns]
    return DatasetInput(
        Dataset(
            name=data.name,
            digest=data.sha256[:_DIGITS],
            source_type="local",
            source=json.dumps({"uri": data.name, "sha256": data.sha256, "kind": data.source}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=json.dumps({"num_rows": data.rows}),
        ),
        tags=[InputTag("mlflow.data.context", data.used_for)],
    )


def _url(store: Store, experiment: str, run_id: str) -> str | None:
    if not store.uri.startswith(("http://", "https://")):
        return None
    return f"{store.shown.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"


def _parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _milliseconds(seconds: float) -> int:
    return int(1000 * seconds)
