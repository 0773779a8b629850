"""What the commands on a registry share."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from regression_model.registry.client import Registry
    from regression_model.registry.decisions import Reason

name_option = click.option(
    "--name",
    metavar="NAME",
    default="regression-model",
    show_default=True,
    help="The registered model.",
)
why_option = click.option(
    "--why", metavar="TEXT", required=True, help="The reason, which is recorded with the decision."
)
by_option = click.option(
    "--by", metavar="NAME", help="Who decided. Default: the name of the user who runs this."
)


def registry_at(uri: str | None, name: str, experiment: str | None = None) -> Registry:
    """Return the registry that is asked for, by the rules for where runs are kept.

    Where only a registry is named, runs are kept there as well.
    """
    from regression_model.registry.client import REGISTRY_VARIABLE, Registry
    from regression_model.tracking.store import URI_VARIABLE, store_of

    if not (uri or os.environ.get(URI_VARIABLE)):
        uri = os.environ.get(REGISTRY_VARIABLE)
    return Registry(store_of(uri, experiment), name)


def given_reason(by: str | None, why: str) -> Reason:
    """Return who and why, neither of them empty."""
    from regression_model.registry.decisions import Reason

    if not why.strip():
        raise click.UsageError("--why is empty; give the reason for the decision in a few words")
    return Reason.now(by=(by or "").strip() or _user(), why=why.strip())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in containers, whose users need not have a name
        raise click.UsageError(
            "this user has no name here; name the person who decided with --by"
        ) from None
