"""What is asked and told of a registry, by MLflow's client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from regression_model.artifact import Artifact, open_artifact
from regression_model.errors import ArtifactCorrupt, ArtifactIncompatible, RegistryFailed
from regression_model.manifest import MANIFEST
from regression_model.model import Model
from regression_model.registry.versions import DIGEST, STAGE, Named, Version
from regression_model.tracking.failures import cut, failures
from regression_model.tracking.store import Store

REGISTRY_VARIABLE = "MLFLOW_REGISTRY_URI"  # where it is not the store of runs
_LONGEST_TAG = 5000
_ABSENT = "RESOURCE_DOES_NOT_EXIST"


class Registry:
    """The versions of the registered model ``name``; every method raises RegistryFailed."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self._uri = os.environ.get(REGISTRY_VARIABLE) or store.uri
        with self._asked():
            self._client = MlflowClient(tracking_uri=store.uri, registry_uri=self._uri)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        with failures(self.store, RegistryFailed, "could not be asked for models"):
            yield

    def versions(self) -> list[Version]:
        """All of them, the newest first; none where the model is not registered."""
        with self._asked():
            aliases = self._aliases()
            if aliases is None:
                return []
            found = self._client.search_model_versions(f"name = '{self.name}'")
            versions = [_version(one, aliases) for one in found]
        return sorted(versions, key=lambda version: int(version.number), reverse=True)

    def holder(self, alias: str) -> Version | None:
        """The version that ``alias`` points to, None where it points to none."""
        with self._asked():
            aliases = self._aliases() or {}
            if alias not in aliases:
                return None
            return _version(self._client.get_model_version(self.name, aliases[alias]), aliases)

    def find(self, named: Named) -> Version:
        """The version that a person names, which must be there."""
        if named.number is not None:
            return self.find_number(named.number)
        found = self.holder(named.alias or "")
        return found or self._missing(f"alias {named.alias}")

    def find_number(self, number: str) -> Version:
        """The version of that number, as it is by now, which must be there."""
        with self._asked():
            found = _unless_absent(lambda: self._client.get_model_version(self.name, number))
            version = None if found is None else _version(found, self._aliases() or {})
        return version or self._missing(f"version {number}")

    def _missing(self, what: str) -> NoReturn:
        raise RegistryFailed(
            f"{self.name} at {self.store.shown} has no {what}; see what there is with: "
            "regression-model registry list"
        )

    def register(self, run_id: str, *, description: str, tags: Mapping[str, str]) -> Version:
        """The version of the artifact that ``tags`` name by its digest: a new one, if need be."""
        before = [one for one in self.versions() if one.tags.get(DIGEST) == tags[DIGEST]]
        if before:
            return before[0]
        with self._asked():
            if self._aliases() is None:
                self._client.create_registered_model(self.name, description=_DESCRIPTION)
            made = self._client.create_model_version(
                self.name,
                source=f"runs:/{run_id}/model",
                run_id=run_id,
                tags={key: cut(value, _LONGEST_TAG) for key, value in tags.items()},
                description=cut(description, _LONGEST_TAG),
            )
            return _version(made, {})

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Note ``tags`` at ``version``."""
        with self._asked():
            for key, value in tags.items():
                self._client.set_model_version_tag(
                    self.name, version.number, key, cut(value, _LONGEST_TAG)
                )

    def untag(self, version: Version, names: Iterable[str]) -> None:
        """Remove those of the tags ``names`` that ``version`` has."""
        with self._asked():
            for name in set(names) & set(version.tags):
                self._client.delete_model_version_tag(self.name, version.number, name)

    def point(self, alias: str, version: Version) -> None:
        """Let ``alias`` point to ``version``, and to no other."""
        with self._asked():
            self._client.set_registered_model_alias(self.name, alias, version.number)

    def release(self, alias: str) -> None:
        """Let ``alias`` point to nothing."""
        with self._asked():
            self._client.delete_registered_model_alias(self.name, alias)

    def mark_stages(self) -> None:
        """Write at each version, as a tag, the stage that its aliases say."""
        for version in self.versions():
            if not version.stage:
                self.untag(version, [STAGE])
            elif version.tags.get(STAGE) != version.stage:
                self.tag(version, {STAGE: version.stage})

    def load(self, version: Version, folder: Path) -> Model:
        """The model of ``version``, below ``folder``: what was registered, with its own prices.

        Raises :class:`ArtifactCorrupt` where a file is another, :class:`ArtifactIncompatible` where
        golden houses have other prices here than in training.
        """
        model = Model(self._downloaded(version, folder))
        faults = model.check_golden()
        if faults:
            raise ArtifactIncompatible(
                f"{version.uri} does not give its prices here ({len(faults)} golden houses differ, "
                f"first {faults[0]}); install the libraries that its model card names"
            )
        return model

    def _downloaded(self, version: Version, folder: Path) -> Artifact:
        place = mkdtemp(dir=folder)
        with self._asked():
            # Its URI would be looked up in the registry of the environment, whichever is meant.
            source = self._client.get_model_version_download_uri(self.name, version.number)
            download_artifacts(
                f"{source}/artifacts",
                dst_path=place,
                tracking_uri=self.store.uri,
                registry_uri=self._uri,
            )
        return _verified(version, Path(place))

    def _aliases(self) -> dict[str, str] | None:
        """Numbers of versions by alias; None where the model is not registered."""
        found = _unless_absent(lambda: self._client.get_registered_model(self.name))
        if found is None:
            return None
        return {alias: str(number) for alias, number in found.aliases.items()}


_DESCRIPTION = (
    "What is this house worth? The alias champion names the current version, challenger the one "
    "that may follow it; `regression-model registry` moves them."
)


def _unless_absent(ask: Callable[[], Any]) -> Any:
    """The answer, None where what is asked for is not there."""
    try:
        return ask()
    except MlflowException as error:
        if error.error_code == _ABSENT:
            return None
        raise


def _version(found: Any, aliases: Mapping[str, str]) -> Version:
    number = str(found.version)
    return Version(
        name=found.name,
        number=number,
        run_id=found.run_id or "",
        created=found.creation_timestamp / 1000,
        aliases=tuple(sorted(alias for alias, held in aliases.items() if held == number)),
        tags=dict(found.tags),
    )


def _verified(version: Version, place: Path) -> Artifact:
    manifests = list(place.rglob(MANIFEST))
    if len(manifests) != 1:
        raise ArtifactCorrupt(
            f"{version.uri} was not made by this package; register one with: "
            "regression-model registry register"
        )
    artifact = open_artifact(manifests[0].parent)
    digest = artifact.manifest["digest"]
    if digest != version.tags.get(DIGEST, digest):
        raise ArtifactCorrupt(
            f"{version.uri} was registered with the artifact {version.tags[DIGEST][:8]} and holds "
            f"{digest[:8]}: it was replaced. Register it anew"
        )
    artifact.verify_served()
    return artifact
