"""The folder that versions of a registry are pulled to: what it may hold, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from regression_model.artifact import Artifact, open_artifact, origin_in
from regression_model.artifact_folders import refuse_foreign_files
from regression_model.errors import ArtifactError, ModelNotFound, RegistryFailed
from regression_model.manifest import MANIFEST


class Pulled(NamedTuple):
    """The version that a folder holds, its artifact's name, and whether a pull changed them."""

    origin: str
    artifact: str
    changed: bool


def check_folder(folder: Path) -> None:
    """Refuse a ``folder`` that holds anything but what was pulled there, which would be lost.

    Raises :class:`RegistryFailed` or :class:`ArtifactError`, which name what was found.
    """
    kept = [folder] if (folder / MANIFEST).exists() else folder.glob("regression_model-*")
    for one in kept:
        if one.is_dir() and not origin_in(one).startswith("models:/"):
            raise RegistryFailed(
                f"{folder} holds {one.name}, which is from no registry and would be lost; "
                "name another folder"
            )
    refuse_foreign_files(folder)


def held_artifact(folder: Path) -> Artifact | None:
    """Return the artifact that ``folder`` holds, None where it holds none or a damaged one."""
    try:
        found = open_artifact(folder)
        found.verify_served()
    except (ModelNotFound, ArtifactError):
        return None
    return found
