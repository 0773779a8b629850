"""``regression-model registry``."""

from __future__ import annotations

import click

from regression_model.cli.registry.follow import follow
from regression_model.cli.registry.list import show
from regression_model.cli.registry.promote import promote
from regression_model.cli.registry.pull import pull
from regression_model.cli.registry.register import register
from regression_model.cli.registry.rollback import rollback


@click.group("registry")
def command() -> None:
    """Register models at MLflow, promote, roll back, fetch and follow them.

    A registered model has versions; the alias champion names the current one, challenger the one
    that may follow it. Every promotion and rollback is kept as a run, with who, when and why.

    \b
      regression-model registry register models
      regression-model registry promote --why "a year more of sales"
      regression-model registry rollback --why "complaints about Old Town"
      regression-model registry list
    """


for _subcommand in (register, promote, rollback, show, pull, follow):
    command.add_command(_subcommand)
