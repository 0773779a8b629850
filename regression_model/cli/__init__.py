"""The console script: one file per command, imported when the command runs."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from typing import Any

import click

from regression_model.errors import CheckFailed, MissingDependency, RegressionModelError
from regression_model.version import DISTRIBUTION, VERSION

_COMMANDS = {
    "data": "Fetch real sales to train on.",
    "explore": "Look at a table before the model does, and write a page about it.",
    "train": "Train a model on a table of sales and save it as an artifact.",
    "experiments": "Compare the config's model with simpler ones on the same folds.",
    "tune": "Search for better values of what the config declares under `search`.",
    "evaluate": "Score the model on a table of sales whose prices are known.",
    "diff": "Compare the prices of two models on the same houses, and say what moved them.",
    "predict": "Value every house of a table and write prices with their ranges.",
    "explain": "Show why a house has its price, and what similar ones were sold for.",
    "sample": "Write a table of synthetic houses.",
    "track": "Record a saved model as a run of MLflow.",
    "registry": "Register models at MLflow, promote, roll back, fetch and follow them.",
    "reproduce": "Train again what a manifest describes, and say where it differs.",
    "info": "Show which model is installed and what it was trained on.",
    "doctor": "Verify every file of the model and re-score its golden houses.",
}


class _Commands(click.Group):
    """Finds commands by name, so that ``--help`` and ``predict`` do not pay for ``train``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"regression_model.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            command = ctx.invoked_subcommand or "this command"
            missing = _missing((error.name or "").partition(".")[0], purpose=f"'{command}'")
            if missing is None:
                raise
            raise _Stop(str(missing), code=2) from None
        except BrokenPipeError:
            raise  # click ends quietly when the reader has gone
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = error.strerror or str(error)
            message = f"{where}{reason}. Nothing was changed; make room or choose another folder."
            raise _Stop(message, code=2) from error
        except RegressionModelError as error:
            raise _Stop(str(error), code=1 if isinstance(error, CheckFailed) else 2) from error


class _Stop(click.ClickException):
    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance


def _missing(package: str, *, purpose: str) -> MissingDependency | None:
    """Return what to install if importing ``package`` failed; None without such an extra."""
    name = "scikit-learn" if package == "sklearn" else package
    try:
        wanted = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return None
    for requirement in wanted:
        match = re.fullmatch(rf"{re.escape(name)}(?![\w.-]).*extra == ['\"](\w+)['\"]", requirement)
        if match is not None:
            return MissingDependency(name, extra=match[1], purpose=purpose)
    return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="regression-model")
def group() -> None:
    """What is this house worth? Train, check and use a versioned house-price model.

    \b
    A first round, without any data of your own:
      regression-model train                     train on the bundled synthetic sales
      regression-model sample 5 --output houses.csv
      regression-model predict houses.csv --output prices.csv

    No command writes over a file that it reads.

    Exit codes: 0 done, 1 the model failed a gate or a check, 2 bad use or bad input.
    """


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    group(prog_name="regression-model")
