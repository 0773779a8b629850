"""``regression-model diff``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from regression_model.cli.comparison import MOVERS, compared, houses_option
from regression_model.cli.files import FileCommand, InputPath, OutputPath
from regression_model.cli.screen import json_option, messages, print_json, print_table, results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regression_model.differential.compare import Difference
    from regression_model.differential.limits import Check
    from regression_model.model import Model


@click.command("diff", cls=FileCommand)
@click.argument("old", type=InputPath(path_type=str))
@click.argument("new", type=InputPath(path_type=str))
@houses_option
@click.option(
    "--movers",
    type=click.IntRange(0, 1000),
    default=MOVERS,
    show_default=True,
    help="How many of the houses that moved most are explained.",
)
@click.option(
    "--report",
    type=OutputPath(),
    help="Report to write: .html (with plots) or .md; replaced if it exists.",
)
@json_option
def command(
    old: str, new: str, data: Path | None, movers: int, report: Path | None, as_json: bool
) -> None:
    """Compare the prices of two models on the same houses, and say what moved them.

    OLD and NEW are folders of artifacts, released versions such as 0.1.0, 'released' for the newest
    version on the package index of pip, or versions in a registry, such as
    models:/regression-model@champion. Without any release there is nothing to compare, and the exit
    code is 0. It is 1 if a change passes a limit of the config of NEW.

    \b
      regression-model diff released models
      regression-model diff models:/regression-model@champion models
      regression-model diff 0.1.0 0.2.0 --data houses.csv --report diff.html
    """
    from regression_model.differential.limits import checks_of, leading_fields, limits_in_force
    from regression_model.differential.report import write_nothing_released, write_report
    from regression_model.errors import ChangeTooLarge

    _check_report(report)
    with TemporaryDirectory(prefix="regression-model-") as folder:
        after = _model(new, Path(folder, "new"))
        if after is None:
            raise click.UsageError("NEW is 'released', and the package index has no release yet")
        before = _model(old, Path(folder, "old"))
        if before is None:
            _say_nothing_released(after, as_json=as_json)
            if report is not None:
                write_nothing_released(report, after)
                _say_written(report)
            return
        difference = compared(before, after, data, movers=movers)
        checks = checks_of(difference, limits_in_force(difference))
        if report is not None:
            write_report(report, difference, checks)
    if as_json:
        print_json({**difference.as_dict(), "checks": [check.as_dict() for check in checks]})
    else:
        _show(difference, checks)
    if report is not None:
        _say_written(report)
    failed = [check for check in checks if not check.passed]
    if failed:
        raise ChangeTooLarge(failed, fields=leading_fields(difference))


def _check_report(report: Path | None) -> None:
    """Say what is wrong with the report's name, or not installed, before any work."""
    from regression_model.differential.report import is_page

    if report is None:
        return
    if is_page(report):
        import regression_model.pages.figures
        import regression_model.pages.page  # noqa: F401


def _model(named: str, folder: Path) -> Model | None:
    """Return the model a person calls ``named``; None where it is the last of no releases."""
    from regression_model.differential.released import artifact_path
    from regression_model.predict import load_model

    folder.mkdir()
    if named.startswith("models:"):
        from regression_model.cli.registry.options import registry_at
        from regression_model.registry.versions import parse_uri

        version = parse_uri(named)
        registry = registry_at(None, version.name)
        return registry.load(registry.find(version), folder)
    path = artifact_path(named, folder)
    return None if path is None else load_model(path)


def _say_nothing_released(new: Model, *, as_json: bool) -> None:
    from regression_model.differential.report import NOTHING_RELEASED

    if as_json:
        print_json({"old": None, "new": new.info(), "checks": [], "note": NOTHING_RELEASED})
    else:
        results().print(NOTHING_RELEASED, soft_wrap=True)


def _say_written(report: Path) -> None:
    messages().print(f"report written to {report}", markup=False, soft_wrap=True)


def _show(difference: Difference, checks: Sequence[Check]) -> None:
    from regression_model.differential.report import facts, sections

    console = results()
    for what, value in facts(difference.old, difference.new, checks).items():
        console.print(f"{what}: {value}", markup=False, soft_wrap=True)
    for section in sections(difference, checks):
        _show_section(section)


def _show_section(section: Any) -> None:
    from regression_model.pages.blocks import Table

    console = results()
    console.print(f"\n[bold]{section.title}[/]")
    for block in section.blocks:
        if isinstance(block, Table):
            print_table(block, title="")
        else:
            console.print(block.text, markup=False)
