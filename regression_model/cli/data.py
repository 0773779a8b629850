"""``regression-model data``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regression_model.cli.screen import json_option, messages, print_json, progress_bar

if TYPE_CHECKING:
    from regression_model.sources.datasets import Outcome


@click.group("data")
def command() -> None:
    """Fetch real sales to train on."""


@command.command("fetch")
@click.option(
    "--source",
    type=click.Choice(["kaggle", "openml"]),
    default="openml",
    show_default=True,
    help="Kaggle needs KAGGLE_USERNAME and KAGGLE_KEY, OpenML needs no account.",
)
@click.option("--force", is_flag=True, help="Replace files that are different.")
@json_option
def fetch(source: str, force: bool, as_json: bool) -> None:
    """Fetch the Ames sales into the folder where `train` finds them.

    The folder is `datasets`, or the one in REGRESSION_MODEL_DATASETS. A table that training would
    refuse replaces nothing. fetched.json beside the files holds source, time and checksums.

    \b
      regression-model data fetch
      regression-model data fetch --source kaggle
    """
    from rich.progress import DownloadColumn, TransferSpeedColumn

    from regression_model.config.reader import load_spec
    from regression_model.sources import datasets

    spec = load_spec(None)
    with progress_bar(DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(f"Fetching from {source}", total=None)
        outcome = datasets.fetch(
            source,
            spec,
            force=force,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        folder, changed = str(outcome.folder), outcome.changed
        print_json({"folder": folder, "changed": changed, **outcome.record})
    else:
        _show(outcome)


def _show(outcome: Outcome) -> None:
    say = messages()
    for name, file in outcome.record["files"].items():
        told = f"{outcome.folder / name}: {file['bytes']:,} bytes, SHA-256 {file['sha256']}"
        say.print(told, markup=False, soft_wrap=True)
    if not outcome.changed:
        say.print("Nothing was changed: the same files are there already.")
