"""``regression-model registry register``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.files import InputPath
from regression_model.cli.registry.options import name_option, registry_at
from regression_model.cli.screen import json_option, print_json, results
from regression_model.cli.track import recorded_in
from regression_model.cli.tracking import experiment_option, uri_option


@click.command("register")
@click.argument("saved", type=InputPath(exists=True), required=False)
@uri_option
@experiment_option
@name_option
@json_option
def register(
    saved: Path | None, uri: str | None, experiment: str | None, name: str, as_json: bool
) -> None:
    """Make a saved model the newest version, and the challenger.

    SAVED is an artifact's folder, or a folder with CURRENT (without it, the current model). The
    model is recorded as a run first, if it is not yet. A model is not registered twice.

    \b
      regression-model registry register models
    """
    from regression_model.artifact import open_artifact

    artifact = open_artifact(saved)
    from regression_model.registry.registration import register as registered

    registry = registry_at(uri, name, experiment)
    run = recorded_in(registry.store, artifact.folder)
    version = registered(registry, artifact, run_id=run.run_id)
    if as_json:
        print_json(version.as_dict())
        return
    aliases = ", ".join(version.aliases) or "no alias"
    results().print(f"{version.uri}: {artifact.folder.name}, {aliases}", markup=False)
