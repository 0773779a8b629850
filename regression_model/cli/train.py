"""``regression-model train``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from regression_model.cli.files import FileCommand, OutputFolder
from regression_model.cli.sales import (
    check_epoch,
    config_option,
    data_option,
    database_option,
    given_sales,
    repeats_option,
    snapshot_file,
    sql_option,
)
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results
from regression_model.cli.tracking import asked_store, fail_if_required, track_option, track_saved

if TYPE_CHECKING:
    from regression_model.tracking.store import Store
    from regression_model.tracking.subprocess_tracking import Outcome
    from regression_model.tracking.usage import Usage


def _usual_folder() -> Path:
    from regression_model.artifact import package_root

    return package_root()


@click.command("train", cls=FileCommand)
@data_option
@sql_option
@database_option
@config_option
@click.option(
    "--output",
    type=OutputFolder(absent=_usual_folder),
    help="Folder that receives the artifact. Default: the installed package's own.",
)
@repeats_option
@click.option(
    "--force", is_flag=True, help="Save a model that fails the gate; its manifest says so."
)
@track_option
@json_option
def command(
    data: Path | None,
    sql: str | None,
    database: str | None,
    config: Path | None,
    output: Path | None,
    repeats: int,
    force: bool,
    track: bool | None,
    as_json: bool,
) -> None:
    """Train a model on a table of sales and save it as an artifact.

    Rows are checked by the rules of serving. The model is cross-validated, scored on a hold-out and
    compared with the gate of the config. Then it is refitted on all rows and compiled, and the
    compiled twin must give equal prices. Nothing is saved if a step fails. With --track the saved
    model is then recorded in MLflow. A failure to record is printed and does not change the exit
    code, except for a run that MLFLOW_RUN_ID names.

    \b
      regression-model train --data train.csv --output models
      regression-model train --data train.csv --repeats 10
      regression-model train --data train.csv --output models --track
      regression-model train --sql "SELECT * FROM sales" --database sqlite:///sales.db
    """
    check_epoch()
    from threadpoolctl import threadpool_limits

    from regression_model.config.reader import read_config
    from regression_model.errors import GateFailed
    from regression_model.training.checks import parse_checked
    from regression_model.training.fit import steps_of, train
    from regression_model.training.persistence import save_trained

    text = read_config(config)
    label = str(config or "config.yml")
    spec = parse_checked(text, label=label)
    store = asked_store(track, text, label=label)
    sales = given_sales(snapshot_file(data, sql, database, spec), spec, doing="Training")
    with progress_bar() as bar, threadpool_limits(1), _usage(store) as usage:
        task = bar.add_task(
            f"Training on {len(sales.prices):,} sales", total=steps_of(spec, repeats)
        )
        try:
            trained = train(
                spec, sales, repeats=repeats, force=force, step=lambda _: bar.advance(task)
            )
        except GateFailed as refused:
            bar.stop()
            _show_checks(messages(), sales.source, refused.checks)
            raise
    folder = save_trained(output or _usual_folder(), spec, sales, trained, config=text)
    if not as_json:
        _show(folder, spec, sales, trained)
    outcome = None if store is None else _track(folder, store, usage)
    if as_json:
        tracking = {} if outcome is None else {"tracking": outcome.as_dict()}
        print_json({**_summary(folder, sales, trained), **tracking})
    fail_if_required(store, outcome)


@contextmanager
def _usage(store: Store | None) -> Iterator[Usage | None]:
    """Sample what the training takes of the machine, if a run records the samples."""
    if store is None or find_spec("psutil") is None:
        yield None
        return
    from regression_model.tracking.usage import sampled

    with sampled() as usage:
        yield usage


def _track(folder: Path, store: Store, usage: Usage | None) -> Outcome:
    if usage is None:
        return track_saved(folder, store)
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        path = Path(temporary, "usage.json")
        usage.write(path)
        return track_saved(folder, store, options=("--usage", str(path)))


def _summary(folder: Path, sales: Any, trained: Any) -> dict[str, Any]:
    judgement = trained.judgement
    return {
        "artifact": str(folder),
        "data": {"source": sales.source, "rows": len(sales.prices), "sha256": sales.sha256},
        "cross_validated": judgement.cross_validated,
        "held_out": judgement.held_out,
        "repeats": judgement.repeats,
        "members": judgement.members,
        "half_width_log": judgement.calibration.half_width,
        "held_out_coverage": judgement.held_out_coverage,
        "parity": trained.parity.as_dict(),
        "checks": [check.as_dict() for check in trained.checks],
    }


def _show(folder: Path, spec: Any, sales: Any, trained: Any) -> None:
    import numpy as np
    from rich.table import Table

    from regression_model.evaluation.metrics import HEADLINES

    judgement, parity, console = trained.judgement, trained.parity, results()
    parts = {
        f"{spec.validation.folds}-fold cross-validation": judgement.cross_validated,
        f"hold-out of {spec.validation.holdout:.0%}": judgement.held_out,
    }
    for title, candidates in parts.items():
        table = Table("", *(metric.title for metric in HEADLINES.values()), title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        for name, scores in candidates.items():
            table.add_row(name, *(m.form.format(scores[key]) for key, m in HEADLINES.items()))
        console.print(table)
    alone = ", ".join(f"{name} {error:.4f}" for name, error in judgement.members.items())
    console.print(f"RMSLE of each member alone: {alone}")
    if len(judgement.repeats) > 1:
        errors = [scores["rmsle"] for scores in judgement.repeats]
        console.print(
            f"RMSLE over {len(errors)} repeats: mean {np.mean(errors):.4f}, "
            f"from {min(errors):.4f} to {max(errors):.4f}"
        )
    console.print(
        f"range at {spec.coverage:.0%} coverage: {_widths(judgement.out_of_fold)} "
        f"(covers {judgement.held_out_coverage:.1%} of the hold-out)"
    )
    console.print(
        f"twins: at most ${parity.largest_on_training:.2g} apart on {parity.training_rows:,} "
        f"training rows, ${parity.largest_on_edges:.2g} on {parity.edge_rows:,} edge rows"
    )
    _show_checks(console, sales.source, trained.checks)
    if not all(check.passed for check in trained.checks):
        messages().print("[bold red]saved by force: this model fails the gate[/]")
    console.print(f"saved: {folder}", markup=False, soft_wrap=True)


def _show_checks(console: Console, source: str, checks: Sequence[Any]) -> None:
    from rich.table import Table

    if not checks:
        return
    table = Table("gate", "", "limit", "", title=f"gate for data '{source}'")
    table.columns[1].justify = "right"
    for check in checks:
        mark = "[green]ok[/]" if check.passed else "[bold red]FAIL[/]"
        table.add_row(check.title, check.shown, check.demand, mark)
    console.print(table)


def _widths(out_of_fold: Any) -> str:
    import numpy as np

    above = out_of_fold.high / out_of_fold.predicted - 1
    narrow, median, wide = np.quantile(above, (0.05, 0.5, 0.95))
    return f"up to {median:+.0%} on half of the houses, {narrow:+.0%} to {wide:+.0%} on most"
