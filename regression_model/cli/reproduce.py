"""``regression-model reproduce``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from regression_model.cli.files import FileCommand, InputPath, OutputFolder
from regression_model.cli.sales import check_epoch
from regression_model.cli.screen import json_option, messages, print_json, progress_bar, results

MAX_LINES = 20


@click.command("reproduce", cls=FileCommand)
@click.argument("manifest", type=InputPath(exists=True))
@click.option(
    "--data",
    type=InputPath(exists=True, dir_okay=False),
    help="The table of sales. Default: the file of the recorded SHA-256 in the datasets folder.",
)
@click.option(
    "--config",
    type=InputPath(exists=True, dir_okay=False),
    help="Default: the config kept in the artifact, else the bundled one.",
)
@click.option(
    "--output",
    type=OutputFolder(),
    help="Folder that receives the new artifact. Default: it is not kept.",
)
@json_option
def command(
    manifest: Path, data: Path | None, config: Path | None, output: Path | None, as_json: bool
) -> None:
    """Train the model of MANIFEST again, and list what differs.

    MANIFEST is an artifact's folder, its manifest.json, or a wheel. Config and sales are found by
    their SHA-256; the artifacts are compared file by file. Exit code 0: identical to the byte, 1:
    something differs, 2: config or sales are missing.

    \b
      regression-model reproduce house_price_regression-0.1.0-py3-none-any.whl
      regression-model reproduce models --data train.csv
    """
    check_epoch()
    from tempfile import TemporaryDirectory

    from threadpoolctl import threadpool_limits

    from regression_model.training.checks import parse_checked
    from regression_model.training.fit import steps_of
    from regression_model.training.reproduce import find_config, read_record, reproduce

    record = read_record(manifest)
    spec = parse_checked(find_config(record, config), label="config.yml")
    with (
        TemporaryDirectory(prefix="regression-model-") as temporary,
        progress_bar() as bar,
        threadpool_limits(1),
    ):
        task = bar.add_task("Training as recorded", total=steps_of(spec, record.repeats))
        compared = reproduce(
            record,
            output if output is not None else Path(temporary),
            data=data,
            config=config,
            step=lambda _: bar.advance(task),
        )
    if as_json:
        print_json({"identical": compared.identical, **asdict(compared)})
    else:
        _show(compared)
    if not compared.identical:
        raise SystemExit(1)


def _show(compared: Any) -> None:
    for name, same in compared.files.items():
        results().print(f"{'same   ' if same else 'DIFFERS'} {name}", markup=False)
    _list("what came out otherwise:", compared.outcomes)
    _list("what may be why:", compared.causes)
    if compared.identical:
        results().print("identical to the byte")
    elif not compared.causes:
        messages().print(
            "Nothing on record differs: another processor or another build of a numerical library "
            "may be why."
        )


def _list(title: str, differences: Any) -> None:
    if differences:
        results().print(title)
    for difference in differences[:MAX_LINES]:
        results().print(f"  {difference}", markup=False, soft_wrap=True)
    if len(differences) > MAX_LINES:
        results().print(f"  … and {len(differences) - MAX_LINES} more (all with --json)")
