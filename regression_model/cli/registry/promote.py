"""``regression-model registry promote``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from regression_model.cli.comparison import compared, houses_option
from regression_model.cli.registry.options import (
    by_option,
    given_reason,
    name_option,
    registry_at,
    why_option,
)
from regression_model.cli.screen import json_option, print_json, results
from regression_model.cli.tracking import experiment_option, uri_option

if TYPE_CHECKING:
    from regression_model.registry.client import Registry
    from regression_model.registry.examination import Examination
    from regression_model.registry.versions import Version


@click.command("promote")
@click.argument("version", default="challenger")
@why_option
@by_option
@houses_option
@uri_option
@experiment_option
@name_option
@json_option
def promote(
    version: str,
    why: str,
    by: str | None,
    data: Path | None,
    uri: str | None,
    experiment: str | None,
    name: str,
    as_json: bool,
) -> None:
    """Make a version the champion, if it passes what champions must pass.

    VERSION is a number or an alias. Its files must be unchanged, its golden houses must have their
    prices, it must have passed its gate, and prices may differ from the champion's only within the
    limits under `differential` in its config. The verdict is recorded as a run with the report of
    the differential test. A refusal has exit code 1 and changes nothing.

    \b
      regression-model registry promote --why "a year more of sales"
      regression-model registry promote 3 --data houses.csv --why "better on Old Town"
    """
    from regression_model.registry import decisions
    from regression_model.registry.versions import CHAMPION, parse_version

    reason = given_reason(by, why)
    registry = registry_at(uri, name, experiment)
    candidate = registry.find(parse_version(version, name=name))
    champion = registry.holder(CHAMPION)
    if champion is not None and champion.number == candidate.number:
        _say_already(candidate, as_json=as_json)
        return
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        found, report = _examined(registry, candidate, champion, data, Path(temporary))
        run = decisions.record_examination(
            registry, candidate, champion, found, reason, report=report
        )
    if found.passed:
        decisions.promote(registry, candidate, champion, reason, run.run_id)
    if as_json:
        print_json(
            {
                "candidate": candidate.uri,
                "champion": champion.uri if champion else None,
                "run_id": run.run_id,
                **found.as_dict(),
            }
        )
    else:
        _show(found, candidate, champion)
    found.refuse_failed(named=candidate.uri)


def _say_already(candidate: Version, *, as_json: bool) -> None:
    if as_json:
        print_json({"candidate": candidate.uri, "champion": candidate.uri, "run_id": None})
    else:
        results().print(f"{candidate.uri} is the champion already", markup=False)


def _examined(
    registry: Registry,
    candidate: Version,
    champion: Version | None,
    data: Path | None,
    folder: Path,
) -> tuple[Examination, Path | None]:
    """Return the verdict, and the page of the differential test where there was one."""
    from regression_model.differential.report import write_report
    from regression_model.registry.examination import examined

    after = registry.load(candidate, folder)
    if champion is None:
        return examined(after, None), None
    before = registry.load(champion, folder)
    found = examined(after, compared(before, after, data))
    page = folder / "diff.html"
    if found.difference is not None:
        write_report(page, found.difference, found.changes)
    return found, page


def _show(found: Examination, candidate: Version, champion: Version | None) -> None:
    from rich.table import Table

    table = Table("check", "", "limit", "", title=f"may {candidate.uri} be champion?")
    for check in found.checks:
        word = "[green]ok[/]" if check.passed else "[bold red]refused[/]"
        table.add_row(check.title, check.shown, check.demand, word)
    console = results()
    console.print(table)
    if found.passed:
        before = f" in place of {champion.uri}" if champion else ", the first"
        console.print(f"{candidate.uri} is champion{before}", markup=False)
