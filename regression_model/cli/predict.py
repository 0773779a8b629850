"""``regression-model predict``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.screen import (
    artifact_option,
    json_option,
    messages,
    print_json,
    progress_bar,
)


@click.command("predict")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Table to write; replaced if there.",
)
@artifact_option
@json_option
def command(source: Path, output: Path, artifact: Path | None, as_json: bool) -> None:
    """Value every house of INPUT and write prices with their ranges.

    Formats follow the extensions: .csv, .parquet, .ndjson. The output has one row for each row of
    the input, in order: Id (where given), prediction, lower, upper, errors, warnings. A row without
    a price keeps its place and says why. Nothing is written when the run does not finish.

    \b
      regression-model predict houses.csv --output prices.csv
    """
    from regression_model.predict import load_model
    from regression_model.scoring import score_table

    model = load_model(artifact)
    total = source.stat().st_size if source.is_file() else None
    with progress_bar() as bar:
        task = bar.add_task(f"Valuing {source.name}", total=total)
        tally = score_table(model, source, output, progress=lambda n, rows: bar.update(task, completed=n))
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
