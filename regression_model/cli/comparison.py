"""What the commands that compare two models share: on which houses, and how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from regression_model.cli.files import InputPath
from regression_model.cli.sales import usual_data
from regression_model.cli.screen import messages, progress_bar

if TYPE_CHECKING:
    from regression_model.differential.compare import Difference
    from regression_model.differential.houses import Houses
    from regression_model.model import Model

MOVERS = 10  # houses whose moves are explained

houses_option = click.option(
    "--data",
    type=InputPath(absent=usual_data),
    help="Houses to compare on (.csv, .parquet, .ndjson), with or without prices. Default: the "
    "fetched train.csv, else generated houses.",
)


def compared(before: Model, after: Model, data: Path | None, *, movers: int = MOVERS) -> Difference:
    """Compare two models on the houses of ``data``, with a progress bar."""
    from regression_model.differential.compare import compare, steps_of

    houses = _houses(before, after, data)
    with progress_bar() as bar:
        total = steps_of(before, after, houses, movers=movers)
        task = bar.add_task(f"Comparing {len(houses.new):,} houses", total=total)
        found = compare(before, after, houses, movers=movers, step=lambda _: bar.advance(task))
        bar.update(task, completed=total)
    return found


def _houses(before: Model, after: Model, data: Path | None) -> Houses:
    from regression_model.differential.houses import generated_houses, read_houses

    path = data if data is not None else usual_data()
    if path is not None:
        return read_houses(path, before, after)
    messages().print(
        "note: compared on generated houses; give real ones, with their prices, by --data"
    )
    return generated_houses(before, after)
