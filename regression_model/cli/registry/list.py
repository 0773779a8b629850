"""``regression-model registry list``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from regression_model.cli.registry.options import name_option, registry_at
from regression_model.cli.screen import json_option, print_json, results
from regression_model.cli.tracking import uri_option

if TYPE_CHECKING:
    from regression_model.registry.versions import Version


@click.command("list")
@uri_option
@name_option
@json_option
def show(uri: str | None, name: str, as_json: bool) -> None:
    """Show the versions of the model, the newest first, and who promoted which.

    \b
      regression-model registry list
    """
    registry = registry_at(uri, name)
    versions = registry.versions()
    if as_json:
        print_json([version.as_dict() for version in versions])
    elif not versions:
        results().print(
            f"{name} has no versions at {registry.store.shown}; register one with: "
            "regression-model registry register",
            markup=False,
            soft_wrap=True,
        )
    else:
        _show(name, versions)


def _show(name: str, versions: list[Version]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=name)
    for column in ("version", "alias", "stage", "model", "RMSLE", "gate", "registered", "promoted"):
        table.add_column(column)
    for version in versions:
        tags = version.tags
        cells = (
            version.number,
            ", ".join(version.aliases),
            version.stage,
            _model(version),
            tags.get("rmsle", ""),
            tags.get("gate", ""),
            f"{datetime.fromtimestamp(version.created, UTC):%Y-%m-%d %H:%M}",
            _promoted(version),
        )
        table.add_row(*map(Text, cells))
    results().print(table)


def _model(version: Version) -> str:
    from regression_model.registry.versions import DIGEST

    if DIGEST not in version.tags:
        return "not of this package"
    return f"{version.tags['model_version']} {version.tags[DIGEST][:8]}"


def _promoted(version: Version) -> str:
    from regression_model.registry import versions

    tags = version.tags
    if versions.PROMOTED_AT not in tags:
        return ""
    day = tags[versions.PROMOTED_AT][:10]
    said = f"{day} by {tags[versions.PROMOTED_BY]}: {tags[versions.PROMOTED_WHY]}"
    if versions.ROLLED_BACK_AT in tags:
        said += (
            f"\nrolled back {tags[versions.ROLLED_BACK_AT][:10]} by "
            f"{tags[versions.ROLLED_BACK_BY]}: {tags[versions.ROLLED_BACK_WHY]}"
        )
    return said
