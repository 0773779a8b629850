"""``regression-model sample``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.files import FileCommand, OutputPath
from regression_model.cli.screen import json_option, messages, print_json


@click.command("sample", cls=FileCommand)
@click.argument("count", type=click.IntRange(0, 10_000_000))
@click.option(
    "--output",
    required=True,
    type=OutputPath(),
    help="File to write; replaced if it exists.",
)
@click.option("--seed", type=int, help="Seed of the houses. Default: the seed of the config.")
@json_option
def command(count: int, output: Path, seed: int | None, as_json: bool) -> None:
    """Write a table of COUNT synthetic houses with prices (.csv, .parquet, .ndjson).

    The houses are drawn from published facts about Ames, Iowa; none of them exists.

    \b
      regression-model sample 1000 --output houses.csv
    """
    from regression_model.sales.sample import write_sample

    write_sample(output, count, seed=seed)
    if as_json:
        print_json({"output": str(output), "rows": count})
        return
    messages().print(
        f"{count:,} synthetic houses written to {output}", markup=False, soft_wrap=True
    )
