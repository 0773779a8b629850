"""What the commands that learn from sales share: where sales and config come from."""

from __future__ import annotations

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
