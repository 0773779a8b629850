"""``regression-model registry rollback``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from regression_model.cli.registry.options import (
    by_option,
    given_reason,
    name_option,
    registry_at,
    why_option,
)
from regression_model.cli.screen import json_option, print_json, results
from regression_model.cli.tracking import experiment_option, uri_option


@click.command("rollback")
@why_option
@by_option
@uri_option
@experiment_option
@name_option
@json_option
def rollback(
    why: str, by: str | None, uri: str | None, experiment: str | None, name: str, as_json: bool
) -> None:
    """Make the previous champion the champion again.

    Its files and golden houses are verified first. No test is needed, because it was champion
    before.

    \b
      regression-model registry rollback --why "complaints about Old Town"
    """
    from regression_model.registry import decisions
    from regression_model.registry.versions import CHAMPION, Named

    reason = given_reason(by, why)
    registry = registry_at(uri, name, experiment)
    champion = registry.find(Named(name, CHAMPION, None))
    before = decisions.predecessor(registry, champion)
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        registry.load(before, Path(temporary))
    run = decisions.roll_back(registry, champion, before, reason)
    if as_json:
        print_json({"champion": before.uri, "instead_of": champion.uri, "run_id": run.run_id})
    else:
        results().print(f"{before.uri} is champion in place of {champion.uri}", markup=False)
