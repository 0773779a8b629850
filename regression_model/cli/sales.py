"""What the commands that learn from sales share: where sales and config come from, and go to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

import regression_model
from regression_model.cli.files import InputPath
from regression_model.cli.screen import messages, progress_bar

if TYPE_CHECKING:
    from regression_model.config.spec import Spec
    from regression_model.sales.table import Sales


def usual_data() -> Path | None:
    """Return the fetched sales, where there are some."""
    from regression_model.sources.folder import fetched_data

    return fetched_data()


data_option = click.option(
    "--data",
    type=InputPath(absent=usual_data),
    help="Table of sales (.csv, .parquet, .ndjson). Default: the fetched train.csv, else the "
    "bundled synthetic sales.",
)
config_option = click.option(
    "--config",
    type=InputPath(absent=lambda: Path(regression_model.__file__).with_name("config.yml")),
    help="Default: the bundled config.yml.",
)
repeats_option = click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often the cross-validation is repeated, each time with other folds.",
)
sql_option = click.option(
    "--sql", help="Query that returns the sales; they are kept as a file, which is trained on."
)
database_option = click.option(
    "--database",
    metavar="URL",
    help="Database for --sql, as SQLAlchemy names it. Default: REGRESSION_MODEL_DATABASE_URL, "
    "which should hold an address with a password.",
)


def given_sales(data: Path | None, spec: Spec, *, doing: str) -> Sales:
    """Return the sales to learn from, with notes; ``doing`` names their use.

    Says loudly where they are synthetic.
    """
    from regression_model.sales.table import SAMPLE, load_sales, sample_sales

    path = data if data is not None else usual_data()
    sales = sample_sales(spec) if path is None else load_sales(path, spec)
    if sales.source == SAMPLE:
        messages().print(
            f"[bold yellow]{doing} on the bundled sample: synthetic houses, no real sales.[/] "
            "Prices are plausible, not real; fetch real sales with 'regression-model data fetch', "
            "or give your own with --data."
        )
    for notice in sales.notices:
        messages().print(f"note: {notice}", markup=False)
    return sales


def snapshot_file(
    data: Path | None, sql: str | None, database: str | None, spec: Spec
) -> Path | None:
    """Return the table of sales that was named: ``data``, or the snapshot of what ``sql`` gave."""
    if sql is None:
        if database is not None:
            raise click.UsageError("--database is for --sql, which gives the query")
        return data
    if data is not None:
        raise click.UsageError("--data and --sql both name the sales; give one of them")
    from regression_model.sources.database import DATABASE_VARIABLE, take_snapshot

    address = database or os.environ.get(DATABASE_VARIABLE)
    if not address:
        raise click.UsageError(f"--sql needs a database: --database, or {DATABASE_VARIABLE}")
    with progress_bar() as bar:
        bar.add_task("Reading the database", total=None)
        taken = take_snapshot(sql, address, spec)
    messages().print(
        f"{taken.rows:,} rows of {taken.database} are kept in {taken.path}, which --data takes",
        markup=False,
        soft_wrap=True,
    )
    return taken.path


def check_epoch() -> None:
    """Say it before NumPy does, which reads the variable as it is imported, in a traceback."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise click.UsageError(
            f"SOURCE_DATE_EPOCH is {text!r}; expected whole seconds since 1970, or unset it"
        )
