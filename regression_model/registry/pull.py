"""A version out of the registry into a folder from which it is served."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from regression_model.artifact import Artifact, origin_of
from regression_model.artifact_folders import copy_artifact
from regression_model.registry.client import Registry
from regression_model.registry.folder import Pulled, check_folder, held_artifact
from regression_model.registry.versions import DIGEST, Named, Version


def pull(registry: Registry, named: Named, folder: Path) -> Pulled:
    """Make the version ``named`` the current model of ``folder``, unless it is already.

    Nothing is replaced before its files and golden houses were found right: raises
    :class:`RegistryFailed` or :class:`ArtifactError`.
    """
    check_folder(folder)
    held = held_artifact(folder)
    version = registry.find(named)
    if held is not None and _is(held, version):
        return Pulled(version.uri, held.folder.name, changed=False)
    with TemporaryDirectory(prefix="regression-model-") as temporary:
        artifact = registry.load(version, Path(temporary)).artifact
        copied = copy_artifact(artifact, folder, origin=version.uri)
    return Pulled(version.uri, copied.name, changed=True)


def _is(held: Artifact, version: Version) -> bool:
    """Another registry may have another model under the same number."""
    digest = held.manifest["digest"]
    return origin_of(held) == version.uri and version.tags.get(DIGEST, digest) == digest
