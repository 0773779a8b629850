"""A version of a registered model, and how people name one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regression_model.errors import RegistryFailed

NAME = "regression-model"
CHAMPION, CHALLENGER = "champion", "challenger"
PRODUCTION, STAGING, ARCHIVED = "production", "staging", "archived"

# Tags of versions.
STAGE = "stage"
DIGEST = "artifact_digest"
PROMOTED_AT, PROMOTED_BY, PROMOTED_WHY = "promoted_at", "promoted_by", "promoted_why"
EXAMINED_IN = "promotion_run"  # the run that holds the report
ROLLED_BACK_AT, ROLLED_BACK_BY = "rolled_back_at", "rolled_back_by"
ROLLED_BACK_WHY = "rolled_back_why"
REPLACED = "replaced"  # the champion before, empty where there was none

_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[\w-]+)|/(?P<number>\d{1,9}))")
_NAMED = re.compile(r"(?P<number>\d{1,9})|@?(?P<alias>[A-Za-z][\w-]*)")


@dataclass(frozen=True)
class Version:
    """One version; ``aliases`` are those that point to it, ``created`` seconds since 1970."""

    name: str
    number: str
    run_id: str
    created: float
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        """How MLflow, and the origin of a copy, name this version."""
        return f"models:/{self.name}/{self.number}"

    @property
    def stage(self) -> str:
        """What its aliases, and whether it ever was champion, make of it; empty before all that."""
        if CHAMPION in self.aliases:
            return PRODUCTION
        if CHALLENGER in self.aliases:
            return STAGING
        return ARCHIVED if PROMOTED_AT in self.tags else ""

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "aliases": list(self.aliases), "stage": self.stage, "uri": self.uri}


@dataclass(frozen=True)
class Named:
    """A version as people name it: its number, or an alias that points to it."""

    name: str
    alias: str | None
    number: str | None

    def __str__(self) -> str:
        return f"models:/{self.name}" + (f"@{self.alias}" if self.alias else f"/{self.number}")


def parse_uri(text: str) -> Named:
    """``models:/name@alias`` or ``models:/name/3``; :class:`RegistryFailed` for anything else."""
    found = _URI.fullmatch(text)
    if found is None:
        raise RegistryFailed(
            f"{text!r} names no version of a model; write models:/{NAME}@{CHAMPION}, or "
            f"models:/{NAME}/3 for a number"
        )
    return Named(found["name"], found["alias"], found["number"])


def parse_version(text: str, *, name: str) -> Named:
    """A number such as ``3``, or an alias, of the model ``name``; a whole URI of it is taken too.

    Raises :class:`RegistryFailed` for anything else.
    """
    if text.startswith("models:"):
        named = parse_uri(text)
        if named.name != name:
            raise RegistryFailed(
                f"{text} is a version of {named.name}, and {name} is asked for; give "
                f"--name {named.name} for that model"
            )
        return named
    found = _NAMED.fullmatch(text)
    if found is None:
        raise RegistryFailed(
            f"{text!r} is not a version; give a number such as 3, or an alias such as {CHALLENGER}"
        )
    return Named(name, found["alias"], found["number"])
