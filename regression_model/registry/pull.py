"""A version out of the registry into a folder from which it is served."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from regression_model.artifact import Artifact, open_artifact, origin_in, origin_of
from regression_model.artifact_folders import copy_artifact
from regression_model.errors import ArtifactError, ModelNotFound, RegistryFailed
from regression_model.manifest import MANIFEST
from regression_model.registry.client import Registry
from regression_model.registry.versions import DIGEST, Named, Version


class Pulled(NamedTuple):
    """The version that a folder holds now, the name of its artifact, and whether that is news."""

    origin: str
    artifact: str
    changed: bool


def pull(registry: Registry, named: Named, folder: Path) -> Pulled:
    """Put the version that ``named`` means in force in ``folder``, unless it is already.

    Nothing is replaced before its files and golden houses were found right: raises
    :class:`RegistryFailed` or :class:`ArtifactError`.
    """
    _check_pulled(folder)
    held = _held(folder)
    version = registry.find(named)
    if held is not None and _is(held, version):
        return Pulled(version.uri, held.folder.name, changed=False)
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        artifact = registry.load(version, Path(temporary)).artifact
        copy_artifact(artifact, folder, origin=version.uri)
    return Pulled(version.uri, artifact.folder.name, changed=True)


def _is(held: Artifact, version: Version) -> bool:
    """Another registry may have another model under the same number."""
    digest = held.manifest["digest"]
    return origin_of(held) == version.uri and version.tags.get(DIGEST, digest) == digest


def _check_pulled(folder: Path) -> None:
    """Raise RegistryFailed where ``folder`` holds, in force or not, what was not pulled there."""
    kept = [folder] if (folder / MANIFEST).exists() else folder.glob("regression_model-*")
    for one in kept:
        if one.is_dir() and not origin_in(one).startswith("models:/"):
            raise RegistryFailed(
                f"{folder} holds {one.name}, which is from no registry and would be lost; "
                "name another folder"
            )


def _held(folder: Path) -> Artifact | None:
    """What ``folder`` holds, None where that is nothing or damaged."""
    try:
        found = open_artifact(folder)
        found.verify_served()
    except (ModelNotFound, ArtifactError):
        return None
    return found
