"""What the commands that learn from sales share: where sales and config come from, and go to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regression_model.cli.screen import messages

if TYPE_CHECKING:
    from regression_model.spec import Spec
    from regression_model.training.data import Sales

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Table of sales (.csv, .parquet, .ndjson). Default: the fetched train.csv, else the "
    "bundled synthetic sales.",
)
config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="Default: the bundled config.yml."
)


def given_sales(data: Path | None, spec: Spec, *, doing: str) -> Sales:
    """The sales to learn from, with what there is to say of them; ``doing`` is what they are for.

    Says loudly where they are synthetic.
    """
    from regression_model.training.data import SAMPLE, fetched_data, load_sales, sample_sales

    path = data if data is not None else fetched_data()
    sales = sample_sales(spec) if path is None else load_sales(path, spec)
    if sales.source == SAMPLE:
        messages().print(
            f"[bold yellow]{doing} on the bundled sample: synthetic houses, no real sales.[/] "
            "Prices are plausible, not real; give real sales with --data."
        )
    for notice in sales.notices:
        messages().print(f"note: {notice}", markup=False)
    return sales


def check_writable(root: Path) -> None:
    """Refuse a folder that cannot be written to before minutes of training, not after."""
    existing = next(
        folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists()
    )
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise click.UsageError(f"{root} cannot be written to; name another folder with --output")


def check_epoch() -> None:
    """Say it before NumPy does, which reads the variable as it is imported, in a traceback."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise click.UsageError(
            f"SOURCE_DATE_EPOCH is {text!r}; expected whole seconds since 1970, or unset it"
        )
