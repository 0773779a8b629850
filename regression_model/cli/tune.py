"""``regression-model tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regression_model.cli.files import FileCommand, OutputPath
from regression_model.cli.sales import config_option, data_option, given_sales, repeats_option
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results
from regression_model.cli.tracking import asked_store, fail_if_required, track_option, track_saved

if TYPE_CHECKING:
    from regression_model.training.tuning.proposal import Proposal
    from regression_model.training.tuning.tune import Comparison, Search

INTERRUPTED = 130  # as shells report Ctrl-C


@click.command("tune", cls=FileCommand)
@data_option
@config_option
@click.option(
    "--trials",
    type=click.IntRange(2),
    default=50,
    show_default=True,
    help="Trials of the study in all; the first is the present config.",
)
@repeats_option
@click.option(
    "--study",
    type=OutputPath(),
    default=Path("tune.db"),
    show_default=True,
    help="File that keeps the trials; an existing study is continued.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Folds fitted at a time."
)
@track_option
@json_option
def command(
    data: Path | None,
    config: Path | None,
    trials: int,
    repeats: int,
    study: Path,
    jobs: int,
    track: bool | None,
    as_json: bool,
) -> None:
    """Search better values for the config, among those declared under `search`.

    Every trial is cross-validated on the same folds. The best trial is compared with the present
    config on fresh folds. A gain of more than two standard errors is proposed as a change of the
    config; a smaller gain is called noise. Ctrl-C or a kill loses at most the running trial: the
    same command continues the study. Exit code 130 after Ctrl-C.

    \b
      regression-model tune --data train.csv --config model.yml --trials 60 --repeats 2
      regression-model tune --data train.csv --config model.yml > proposal
      patch model.yml proposal
    """
    from regression_model.config.reader import read_config
    from regression_model.training.checks import parse_checked
    from regression_model.training.tuning.study import open_study
    from regression_model.training.tuning.tune import Search

    text, label = read_config(config), str(config or "config.yml")
    spec = parse_checked(text, label=label)
    if not spec.search:
        raise click.UsageError(f"{label} declares no search space; docs/tuning.md explains it")
    store = asked_store(track, text, label=label)
    sales = given_sales(data, spec, doing="Tuning")
    with open_study(study, spec, data=sales.sha256, repeats=repeats) as opened:
        search = Search(spec, sales, repeats, opened, jobs)
        comparison, interrupted = _run(search, trials)
        proposal = _proposal(search, comparison, text, label)
        summary = _summary(search, comparison, proposal, interrupted=interrupted)
        if not as_json:
            _show(search, comparison, proposal, study)
    outcome = None if store is None else track_saved(study, store)
    if as_json:
        print_json(summary if outcome is None else {**summary, "tracking": outcome.as_dict()})
    if interrupted:
        messages().print("Interrupted: the same command continues the study.")
        click.get_current_context().exit(INTERRUPTED)
    fail_if_required(store, outcome)


def _run(search: Search, trials: int) -> tuple[Comparison | None, bool]:
    """Search and compare under a progress bar; the second value says whether Ctrl-C ended it."""
    from dataclasses import replace

    from rich.progress import TimeRemainingColumn

    from regression_model.training.tuning.study import finished
    from regression_model.training.tuning.tune import FRESH_REPEATS

    folds = search.spec.validation.folds
    to_do = max(0, trials - finished(search.study)) * search.repeats + 2 * FRESH_REPEATS
    with progress_bar(TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=to_do * folds)

        def step(told: str, folds_done: int) -> None:
            bar.update(task, description=told, advance=folds_done)

        try:
            watched = replace(search, step=step)
            watched.run(trials)
            return watched.compare(), False
        except KeyboardInterrupt:
            return None, True


def _proposal(
    search: Search, comparison: Comparison | None, text: str, label: str
) -> Proposal | None:
    """Return what the best trial changes in the config; None where there is no better one."""
    from regression_model.training.tuning.proposal import propose

    best = search.best
    changes = {} if best is None else search.changes(best)
    return propose(text, changes, spec=search.spec, label=label) if changes else None


def _summary(
    search: Search, comparison: Comparison | None, proposal: Proposal | None, *, interrupted: bool
) -> dict[str, Any]:
    """Return the result for machines; ``patch`` is there when the gain is beyond noise."""
    best = search.best
    proposed = comparison is not None and comparison.beyond_noise
    return {
        "interrupted": interrupted,
        "trials": search.counts,
        "best": None if best is None else {"trial": best.number, "rmsle": best.value},
        "changes": {} if proposal is None else {c.key: [c.old, c.new] for c in proposal.changes},
        "search_folds": _as_dict(search.compared),
        "fresh_folds": _as_dict(comparison),
        "patch": proposal.patch if proposal is not None and proposed else None,
    }


def _as_dict(comparison: Comparison | None) -> dict[str, Any] | None:
    from dataclasses import asdict

    if comparison is None:
        return None
    extra = {"gain": comparison.gain, "beyond_noise": comparison.beyond_noise}
    return {**asdict(comparison), **extra}


def _show(
    search: Search, comparison: Comparison | None, proposal: Proposal | None, study: Path
) -> None:
    console, best = results(), search.best
    counts = ", ".join(f"{count} {state}" for state, count in search.counts.items() if count)
    console.print(f"{study}: {counts or 'no trial'}", markup=False)
    if best is None or proposal is None:
        console.print("No trial is better than the present config.")
        return
    _show_comparisons(search, comparison)
    if comparison is None:
        console.print("Not compared on fresh folds: the gain may be noise. Best found so far:")
    elif not comparison.beyond_noise:
        console.print(
            "On fresh folds the gain is not above two standard errors: not distinguishable from "
            "noise.\nNothing is proposed. Best found:"
        )
    else:
        console.print("The gain on fresh folds is above two standard errors. Proposed:")
    for change in proposal.changes:
        click.echo(f"  {change.key}: {change.old} -> {change.new}")
    if comparison is not None and comparison.beyond_noise:
        click.echo(f"\n{proposal.patch}", nl=False)


def _show_comparisons(search: Search, comparison: Comparison | None) -> None:
    from rich.table import Table

    best = search.best
    number = "none" if best is None else best.number
    table = Table("RMSLE on", "folds", "present", f"trial {number}", "gain", "standard error")
    for column in table.columns[1:]:
        column.justify = "right"
    for title, compared in (("the search's folds", search.compared), ("fresh folds", comparison)):
        if compared is not None:
            table.add_row(
                title,
                str(compared.folds),
                f"{compared.present:.4f}",
                f"{compared.found:.4f}",
                f"{compared.gain:+.4f}",
                f"{compared.standard_error:.4f}",
            )
    results().print(table)
