"""The command: runs scenarios, prints their table, publishes it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from regression_model.cli.screen import (
    artifact_option,
    json_option,
    messages,
    print_json,
    terminated_cleanly,
)
from reliability import page
from reliability.catalogue import SCENARIOS
from reliability.scenario import Result, perform
from tools.release.project import ROOT

GROUPS = ("chaos", "fuzz", "soak")


@click.command(help="Make faults and measure what becomes of requests and files.")
@click.argument("group", type=click.Choice(GROUPS))
@artifact_option
@click.option("--only", metavar="NAMES", help="Some scenarios of the group, by name, with commas.")
@click.option("--short", is_flag=True, help="As the tests run them: whether they still work.")
@click.option("--count", type=click.IntRange(min=1), help="Runs, requests or cases of each.")
@click.option("--publish", is_flag=True, help="Write the figures into docs/reliability.md.")
@json_option
def command(
    group: str,
    artifact: Path | None,
    only: str | None,
    short: bool,
    count: int | None,
    publish: bool,
    as_json: bool,
) -> None:
    """Run the scenarios of a group; exit code 1 where a promise was not kept."""
    from regression_model.artifact import open_artifact

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    names = [name for name, known in SCENARIOS.items() if known.group == group]
    chosen = only.split(",") if only else names
    if unknown := set(chosen) - set(names):
        raise click.BadParameter(f"{min(unknown)!r}; expected some of {', '.join(names)}")
    folder = open_artifact(artifact).folder.resolve()
    results: list[Result] = []
    with terminated_cleanly():
        for name in chosen:
            messages().print(f"{name}: {SCENARIOS[name].fault}", markup=False)
            results.append(perform(SCENARIOS[name], folder, short=short, count=count))
            if publish:  # each at once: a later one that is interrupted does not lose it
                page.publish(results[-1:], ROOT / "docs")
    print_json(page.as_json(results)) if as_json else page.show(results)
    if any(result.outcome == "failed" for result in results):
        raise SystemExit(1)
