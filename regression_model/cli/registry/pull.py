"""``regression-model registry pull``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.files import FileCommand, OutputFolder
from regression_model.cli.registry.options import registry_at
from regression_model.cli.screen import json_option, print_json, results
from regression_model.cli.tracking import uri_option


@click.command("pull", cls=FileCommand)
@click.argument("model", default="models:/regression-model@champion")
@click.option(
    "--output",
    type=OutputFolder(),
    required=True,
    help="Folder for the version; it replaces an earlier pulled one.",
)
@uri_option
@json_option
def pull(model: str, output: Path, uri: str | None, as_json: bool) -> None:
    """Fetch a version from the registry, in the form that `predict` and the service load.

    MODEL is models:/NAME@ALIAS or models:/NAME/NUMBER. The version is verified before it replaces
    anything, and fetched only if the folder does not hold it already. Over HTTP the small extra
    [registry] is enough.

    \b
      regression-model registry pull --output models
      regression-model predict houses.csv --artifact models --output prices.csv
    """
    from regression_model.registry.pull import pull as pulled
    from regression_model.registry.versions import parse_uri

    named = parse_uri(model)
    found = pulled(registry_at(uri, named.name), named, output)
    if as_json:
        print_json({"uri": model, **found._asdict()})
    else:
        state = "" if found.changed else " (it was there already)"
        results().print(f"{found.origin} is in {output}: {found.artifact}{state}", markup=False)
