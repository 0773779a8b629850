"""``regression-model explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from regression_model.cli.files import FileCommand, InputPath, OutputPath
from regression_model.cli.sales import config_option
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results

MAX_SHOWN = 20


@click.command("explore", cls=FileCommand)
@click.option(
    "--data",
    required=True,
    type=InputPath(),
    help="Table to explore (.csv, .parquet, .ndjson), with or without prices.",
)
@click.option(
    "--against",
    type=InputPath(),
    help="Table of reference: print how the data differ from it.",
)
@config_option
@click.option(
    "--report",
    required=True,
    type=OutputPath(),
    help="HTML page to write; replaced if it exists.",
)
@json_option
def command(
    data: Path, against: Path | None, config: Path | None, report: Path, as_json: bool
) -> None:
    """Show what is in a table before training, and write a page about it.

    The page shows values that do not fit the config, nulls and their meaning, levels,
    distributions, outliers, columns that go with the price, columns with the same information,
    repeated rows, and differences from another table. Bad rows are counted and named; they do not
    stop the command.

    \b
      regression-model explore --data train.csv --report train.html
      regression-model explore --data new-sales.csv --against train.csv --report drift.html
    """
    from regression_model.config.reader import load_spec
    from regression_model.exploration.explore import STEPS, explore
    from regression_model.exploration.report import render
    from regression_model.exploration.summary import as_dict
    from regression_model.exploration.table import read_table
    from regression_model.files.atomic_file import write_text

    if report.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"{report} is not a page; name a file that ends with .html")
    spec = load_spec(config)
    with progress_bar() as bar:

        def read(path: Path) -> Any:
            size = path.stat().st_size if path.is_file() else None
            task = bar.add_task(f"Reading {path.name}", total=size)
            return read_table(path, spec, lambda done: bar.update(task, completed=done))

        table, reference = read(data), None if against is None else read(against)
        task = bar.add_task("Exploring", total=STEPS + 1)
        found = explore(table, reference, step=lambda: bar.advance(task))
        write_text(report, render(found))
        bar.advance(task)
    if as_json:
        print_json({"report": str(report), **as_dict(found)})
    else:
        _show(found, report)


def _show(found: Any, report: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from regression_model.exploration.findings import findings
    from regression_model.exploration.report import WORDS

    listed = findings(found)
    frame = found.table.frame
    title = f"{found.table.name}: {len(frame):,} rows, {len(frame.columns)} columns"
    table = Table("where", "", "what deserves a look", "rows", title=Text(title))
    table.columns[3].justify = "right"
    styles = ("bold red", "yellow", "")
    for finding in listed[:MAX_SHOWN]:
        what = finding.message + (f" ({finding.where})" if finding.where else "")
        table.add_row(
            Text(finding.column),
            Text(WORDS[finding.weight], style=styles[finding.weight]),
            Text(what),
            f"{finding.rows:,}" if finding.rows else "",
        )
    console = results()
    console.print(table)
    if len(listed) > MAX_SHOWN:
        console.print(f"… and {len(listed) - MAX_SHOWN} more, in the page")
    strongest = ", ".join(r.feature.name for r in found.target_relations[:5])
    if strongest:
        target = found.table.spec.target.name
        console.print(f"goes most with {target}: {strongest}", markup=False)
    messages().print(f"page written to {report}", markup=False, soft_wrap=True)
