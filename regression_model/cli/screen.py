"""What commands share on the terminal: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from regression_model.cli.files import InputPath

if TYPE_CHECKING:
    from regression_model.pages.blocks import Table as PageTable

_JUSTIFY: dict[str, JustifyMethod] = {"l": "left", "r": "right", "c": "center"}
_STYLES = {"": "", "good": "green", "doubtful": "yellow", "bad": "bold red", "strong": "bold"}


def _usual_artifact() -> Path:
    from regression_model.artifact import ENVIRONMENT_VARIABLE, package_root

    return Path(os.environ.get(ENVIRONMENT_VARIABLE) or package_root())


artifact_option = click.option(
    "--artifact",
    type=InputPath(absent=_usual_artifact),
    help="Artifact folder, or a folder with CURRENT. Default: REGRESSION_MODEL_ARTIFACT, else the "
    "installed package's own.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")


def results() -> Console:
    """Standard output; wide enough for a table even when piped to a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=110)


def messages() -> Console:
    """Standard error, for progress and notes."""
    return Console(stderr=True, highlight=False)


def progress_bar(*more: ProgressColumn) -> Progress:
    """Return a bar with what is being done and the time it takes; silent without a terminal.

    ``more`` columns are at its end.
    """
    console = messages()
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        *more,
        speed_estimate_period=600,  # seconds; a step may take minutes
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def terminated_cleanly() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C would, so that it clears up behind itself."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def print_table(table: PageTable, *, title: str) -> None:
    """A table of a page, on standard output."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, caption=table.caption or None, caption_justify="left")
    for name, side in zip(table.header, table.alignment, strict=True):
        shown.add_column(name, justify=_JUSTIFY[side])
    for row in table.cells:
        shown.add_row(*(Text(cell.text, style=_STYLES[cell.status]) for cell in row))
    results().print(shown)


def print_json(value: Any) -> None:
    """The machine's version of a result, on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
