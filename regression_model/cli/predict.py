"""``regression-model predict``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from regression_model.cli.files import FileCommand, InputPath, OutputPath
from regression_model.cli.screen import (
    artifact_option,
    json_option,
    messages,
    print_json,
    progress_bar,
    terminated_cleanly,
)


@click.command("predict", cls=FileCommand)
@click.argument("source", metavar="INPUT", type=InputPath())
@click.option(
    "--output",
    required=True,
    type=OutputPath(),
    help="Table to write; replaced if it exists. Never INPUT.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Cores to use. Default: all that this process may use.",
)
@artifact_option
@json_option
def command(
    source: Path, output: Path, workers: int | None, artifact: Path | None, as_json: bool
) -> None:
    """Value every house of INPUT and write prices with their ranges.

    The extensions decide the formats: .csv, .parquet, .ndjson. The output has one row for each row
    of the input, in order: the identifier, prediction, lower, upper, fsd, known, errors, warnings.
    A row without a price keeps its place, with the reasons in errors. Nothing is written if the run
    does not finish. Memory does not grow with the table. With the extra [batch], tables are valued
    column by column, on all cores.

    \b
      regression-model predict houses.csv --output prices.csv
    """
    from rich.progress import TextColumn, TimeRemainingColumn

    from regression_model.predict import load_model
    from regression_model.scoring import score_table

    model = load_model(artifact)
    total = source.stat().st_size if source.is_file() else None
    began = time.monotonic()
    speed, left = TextColumn("{task.fields[speed]}"), TimeRemainingColumn()
    with terminated_cleanly(), progress_bar(speed, TextColumn("left"), left) as bar:
        task = bar.add_task(f"Valuing {source.name}", total=total, speed="")

        def show(consumed: int, rows: int) -> None:
            speed = f"{rows / (time.monotonic() - began):,.0f} rows/s"
            bar.update(task, completed=consumed, speed=speed)

        tally = score_table(model, source, output, progress=show, workers=workers)
    for caveat in tally.caveats:
        messages().print(f"note: {caveat['message']}", markup=False)
    if as_json:
        print_json({"output": str(output), "version": model.version, **tally.counts()})
        return
    messages().print(
        f"{tally.rows:,} houses: {tally.priced:,} priced, {tally.rows - tally.priced:,} refused, "
        f"{tally.warned:,} with warnings; written to {output}",
        markup=False,
        soft_wrap=True,
    )
