"""``regression-model experiments``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regression_model.cli.files import FileCommand, OutputPath, check_files
from regression_model.cli.sales import config_option, data_option, given_sales, repeats_option
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results
from regression_model.cli.tracking import asked_store, fail_if_required, track_option, track_saved

if TYPE_CHECKING:
    from regression_model.sales.table import Sales
    from regression_model.training.experiments import Result

SHOWN = ("rmsle", "mae", "mdape", "ppe10")


@click.command("experiments", cls=FileCommand)
@data_option
@config_option
@repeats_option
@click.option(
    "--output",
    type=OutputPath(),
    help="JSON file of the results, which 'track' takes. Default: experiments.json where they are "
    "tracked, else none.",
)
@track_option
@json_option
def command(
    data: Path | None,
    config: Path | None,
    repeats: int,
    output: Path | None,
    track: bool | None,
    as_json: bool,
) -> None:
    """Compare the config's model with simpler ones on the same folds.

    The mean, a Lasso as courses teach it, a ridge, boosted trees and the blend of the config are
    cross-validated on equal folds. The table shows how far each is behind the best, with the
    standard error over folds. With --track each becomes a run of MLflow.

    \b
      regression-model experiments --data train.csv
      regression-model experiments --data train.csv --repeats 3 --track
    """
    from threadpoolctl import threadpool_limits

    from regression_model.config.reader import read_config
    from regression_model.training.checks import parse_checked
    from regression_model.training.experiments import compare, steps_of

    text, label = read_config(config), str(config or "config.yml")
    spec = parse_checked(text, label=label)
    store = asked_store(track, text, label=label)
    if output is None and store is not None:
        output = Path("experiments.json")
        check_files(click.get_current_context(), {"output": output})
    sales = given_sales(data, spec, doing="Comparing")
    with progress_bar() as bar, threadpool_limits(1):
        task = bar.add_task("", total=steps_of(spec, repeats))
        found = compare(
            spec,
            sales,
            repeats=repeats,
            step=lambda name: bar.update(task, description=name, advance=1),
        )
    summary = _summary(sales, found)
    if output is not None:
        _write(output, summary)
    if not as_json:
        _show(sales, found)
    outcome = None if store is None or output is None else track_saved(output, store)
    if as_json:
        print_json(summary if outcome is None else {**summary, "tracking": outcome.as_dict()})
    fail_if_required(store, outcome)


def _summary(sales: Sales, found: Sequence[Result]) -> dict[str, Any]:
    return {
        "data": sales.as_dict(),
        "candidates": [result.as_dict() for result in found],
    }


def _write(path: Path, summary: dict[str, Any]) -> None:
    import json

    from regression_model.files.atomic_file import write_text

    write_text(path, json.dumps(summary, indent=1) + "\n")
    messages().print(f"results written to {path}", markup=False, soft_wrap=True)


def _show(sales: Sales, found: Sequence[Result]) -> None:
    from rich.table import Table

    from regression_model.evaluation.metrics import METRICS
    from regression_model.evaluation.ratio_study import STATISTICS

    best, folds = found[0], len(found[0].folds)
    ratios = {name: STATISTICS[name] for name in ("cod", "prd")}
    metrics = {name: METRICS[name] for name in SHOWN}
    table = Table(
        *(
            "",
            "behind",
            *(one.title for one in metrics.values()),
            *(one.title for one in ratios.values()),
            "s a fit",
        ),
        title=f"{sales.name}, {len(sales.prices):,} sales, {folds} folds",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for result in found:
        behind = "best" if result is best else "{:+.4f} ± {:.4f}".format(*result.behind(best))
        scores = [m.form.format(result.metrics[name]) for name, m in metrics.items()]
        levels = [
            one.form.format(result.ratios[name]) if name in result.ratios else ""
            for name, one in ratios.items()
        ]
        table.add_row(result.name, behind, *scores, *levels, f"{result.seconds:.1f}")
    results().print(table)
