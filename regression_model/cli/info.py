"""``regression-model info``."""

from __future__ import annotations

from pathlib import Path

import click

from regression_model.cli.files import FileCommand
from regression_model.cli.screen import artifact_option, json_option, print_json, results


@click.command("info", cls=FileCommand)
@artifact_option
@json_option
def command(artifact: Path | None, as_json: bool) -> None:
    """Show which model is installed and what it was trained on.

    \b
      regression-model info
      regression-model info --artifact models --json
    """
    from rich.table import Table

    from regression_model.artifact import open_artifact
    from regression_model.evaluation.metrics import HEADLINES

    opened = open_artifact(artifact)
    manifest = opened.manifest
    if as_json:
        print_json(
            {"folder": str(opened.folder), **{k: v for k, v in manifest.items() if k != "spec"}}
        )
        return
    data, scores = manifest["data"], manifest["metrics"]["cross_validated"]["model"]
    sample = " (synthetic: no real sales)" if data["source"] == "sample" else ""
    table = Table(show_header=False, box=None)
    for name, value in {
        "version": manifest["version"],
        "artifact": opened.folder.name,
        "folder": str(opened.folder.parent),
        "trained": manifest["trained_at"],
        "data": f"{data['name']}, {data['rows']:,} sales{sample}",
        "libraries": ", ".join(f"{k} {v}" for k, v in manifest["libraries"].items()),
        "accuracy": ", ".join(
            f"{m.title} {m.form.format(scores[k])}"
            for k, m in HEADLINES.items()
            if scores.get(k) is not None
        ),
        "range": f"{manifest['interval']['coverage']:.0%} coverage",
        "gate": "passed" if manifest["gate"]["passed"] else "FAILED, saved by force",
        "revision": manifest["git_revision"] or "not from a checkout",
    }.items():
        table.add_row(name, value)
    results().print(table)
