"""``regression-model track``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from regression_model.cli.files import InputPath
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results
from regression_model.cli.tracking import experiment_option, uri_option

if TYPE_CHECKING:
    from regression_model.tracking.runs import Run
    from regression_model.tracking.send import Recorded
    from regression_model.tracking.store import Store


@click.command("track")
@click.argument("saved", type=InputPath(exists=True), required=False)
@uri_option
@experiment_option
@click.option("--run-name", metavar="NAME", help="Default: the model's version and digest.")
@click.option("--usage", type=InputPath(), hidden=True)
@json_option
def command(
    saved: Path | None,
    uri: str | None,
    experiment: str | None,
    run_name: str | None,
    usage: Path | None,
    as_json: bool,
) -> None:
    """Record a saved model as a run of MLflow.

    SAVED is an artifact's folder, or a folder with CURRENT (without it, the current model), or the
    file that 'experiments' or 'tune' wrote, or what 'evaluate --json' printed. Everything is read
    from SAVED, so a training can be recorded later, when a server is up. Nothing is recorded twice
    in an experiment. If MLFLOW_RUN_ID names a run, as 'mlflow run' sets it, everything goes into
    that run.

    \b
      regression-model track models
      regression-model track models --uri http://localhost:5000 --experiment houses
    """
    from regression_model.tracking.store import store_of

    store = store_of(uri, experiment)
    recorded = recorded_in(store, saved, name=run_name, usage=usage)
    if as_json:
        print_json(summary(store, recorded))
    else:
        _show(store, recorded)


def recorded_in(
    store: Store, path: Path | None, *, name: str | None = None, usage: Path | None = None
) -> Recorded:
    """Record what was saved at ``path``, with a progress bar."""
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        run, identity = _run(path, name, usage, Path(temporary))
        from regression_model.tracking.send import send, steps_of

        with progress_bar() as bar:
            task = bar.add_task(f"Recording in {store.shown}", total=steps_of(run))
            return send(run, store, identity=identity, step=lambda _: bar.advance(task))


def _run(
    path: Path | None, name: str | None, usage: Path | None, temporary: Path
) -> tuple[Run, str]:
    """Return what is to be recorded, and the tag that it is known by."""
    from dataclasses import asdict, replace
    from functools import cache

    from regression_model.artifact import open_artifact

    if path is not None and path.is_file() and _is_database(path):
        from regression_model.tracking import of_study

        return of_study.run_of_study(path, name=name), of_study.DIGEST
    if path is not None and path.is_file():
        from regression_model.tracking import of_evaluation, of_experiments

        if of_evaluation.is_evaluation(path):
            return of_evaluation.run_of_evaluation(path, name=name), of_evaluation.DIGEST
        return of_experiments.run_of_experiments(path, name=name), of_experiments.DIGEST
    opened = open_artifact(path)  # before seconds of imports
    from regression_model.tracking.of_artifact import DIGEST, run_of_artifact

    run = run_of_artifact(opened, name=name)
    if usage is not None:
        from regression_model.tracking.usage import Usage

        run = replace(run, **asdict(Usage.read(usage)))

    @cache
    def report() -> tuple[Path, Path]:
        from regression_model.tracking.report import write_report

        return write_report(opened, temporary)

    def model() -> Path:
        from regression_model.tracking.model import save_model

        return save_model(opened, temporary)

    # They take seconds, and are not made for a model that is recorded already.
    made = [(lambda: report()[0], ""), (lambda: report()[1], "plots"), (model, "model")]
    return replace(run, files=[*run.files, *made]), DIGEST


def _is_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(6) == b"SQLite"


def summary(store: Store, recorded: Recorded) -> dict[str, Any]:
    """Return what machines are told of a run that was recorded."""
    from dataclasses import asdict

    return {"uri": store.shown, **asdict(recorded)}


def _show(store: Store, recorded: Recorded) -> None:
    known = " (it was there already)" if recorded.before else ""
    named = f"run {recorded.run_id} of experiment {recorded.experiment}{known}"
    results().print(named, markup=False)
    shown = recorded.url or f"mlflow server --backend-store-uri {store.shown}"
    messages().print(f"look at it: {shown}", markup=False, soft_wrap=True)
