"""``regression-model registry follow``."""

from __future__ import annotations

import os
import shutil
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click

from regression_model.cli.files import FileCommand, OutputFolder
from regression_model.cli.registry.follow_log import log_json, log_text
from regression_model.errors import MissingDependency

_ADDRESSES = ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")


@click.command("follow", cls=FileCommand)
@click.argument("model_uri", metavar="MODEL_URI")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option(
    "--to",
    "output",
    metavar="DIR",
    type=OutputFolder(),
    required=True,
    help="Folder for pulled models only.",
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.IntRange(0, 86_400),
    default=60,
    show_default=True,
    help="How often the registry is asked; with 0 at the start and on SIGHUP only.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Log JSON lines on standard output, as the service does, instead of text on standard "
    "error.",
)
@click.pass_context
def follow(
    context: click.Context,
    model_uri: str,
    command: tuple[str, ...],
    output: Path,
    every: int,
    as_json: bool,
) -> None:
    """Run a service on a version of the registry, and reload it when the version moves.

    MODEL_URI is models:/NAME@ALIAS or models:/NAME/NUMBER. Its model is pulled into DIR, and
    COMMAND is started with REGRESSION_MODEL_ARTIFACT=DIR. When the registry names another version,
    that version is verified, replaces the first in DIR, and COMMAND gets SIGHUP. While the registry
    is down, the service keeps the model that it has. Signals are passed on, and the exit code is
    that of COMMAND.

    MLFLOW_REGISTRY_URI names the registry, else MLFLOW_TRACKING_URI. Over HTTP the small extra
    [registry] is enough.

    \b
      regression-model registry follow models:/regression-model@champion --to served \\
          -- gunicorn ml_api.wsgi:app
    """
    from regression_model.registry.folder import check_folder
    from regression_model.registry.follow import Follower
    from regression_model.registry.pull_process import pull_apart, pull_command
    from regression_model.registry.service_process import ServiceProcess
    from regression_model.registry.versions import parse_uri

    _check_command(command)
    named = parse_uri(model_uri)
    _check_registry()
    folder = output.absolute()
    check_folder(folder)
    environ = {**os.environ, "REGRESSION_MODEL_ARTIFACT": str(folder)}
    follower = Follower(
        named,
        folder,
        pull=partial(pull_apart, pull_command(str(named), folder)),
        service=ServiceProcess(command, environ, port=_port()),
        every=every,
        log=log_json if as_json else log_text,
    )
    context.exit(follower.run())


def _check_command(command: tuple[str, ...]) -> None:
    if not command:
        raise click.UsageError(
            "give the command that serves after --, for example: -- gunicorn ml_api.wsgi:app"
        )
    if shutil.which(command[0]) is None:
        raise click.UsageError(
            f"there is no program {command[0]!r} to start; give its path after --, for example: "
            "-- venv/bin/gunicorn ml_api.wsgi:app"
        )


def _check_registry() -> None:
    if not any(map(os.environ.get, _ADDRESSES)):
        raise click.UsageError(f"name the registry in {' or '.join(_ADDRESSES)}")
    library = find_spec("mlflow")
    if library is None or library.origin is None:  # a folder that happens to have its name
        raise MissingDependency("mlflow-skinny", extra="registry", purpose="'registry follow'")


def _port() -> int:
    """Return where the service listens; what cannot be read is for the service to refuse."""
    text = os.environ.get("PORT", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 5000
