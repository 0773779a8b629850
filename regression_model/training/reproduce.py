"""Train again what a manifest describes, and say where the outcome differs.

Everything is found by its SHA-256: the config, the sales. What the record does not fix (another
processor, another build of a numerical library) may still change the last digits of a figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from regression_model.artifact import CONFIG, MAX_MANIFEST_BYTES, open_artifact
from regression_model.config.reader import bundled_config, read_config
from regression_model.config.spec import Spec
from regression_model.errors import ArtifactCorrupt, DataError
from regression_model.files.regular_file import read_regular_file
from regression_model.manifest import MANIFEST, parse_manifest
from regression_model.sales.table import SAMPLE, Sales, load_sales, sample_sales
from regression_model.sources.folder import datasets_folder
from regression_model.training.checks import parse_checked
from regression_model.training.fit import Step, train
from regression_model.training.persistence import Origin, git_revision, save_trained
from regression_model.version import DISTRIBUTION
from regression_model.wheels import is_wheel, unpack_model

ABSENT = "absent"
# What a difference may come from; the rest of a manifest is what came of it.
CAUSES = ("version", "git_revision", "config_sha256", "libraries", "computed_with", "data", "spec")


@dataclass(frozen=True)
class Record:
    """A manifest, and the text of the config where the artifact came with it."""

    manifest: Mapping[str, Any]
    config: str | None

    @property
    def repeats(self) -> int:
        """Return how often the cross-validation was repeated."""
        return len(self.manifest["metrics"]["repeats"])


@dataclass(frozen=True)
class Difference:
    """A value of the record and the one found here, by its path in the manifest."""

    path: str
    recorded: object
    found: object

    def __str__(self) -> str:
        return f"{self.path}: recorded {self.recorded}, here {self.found}"


@dataclass(frozen=True)
class Comparison:
    """Files by name, each with whether it is the same; what differs, and what may be why."""

    files: Mapping[str, bool]
    causes: tuple[Difference, ...]
    outcomes: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Return whether every file, the manifest included, is the same to the byte."""
        return all(self.files.values())


def read_record(path: Path) -> Record:
    """Return the record of an artifact's folder, of a ``manifest.json`` or of a wheel.

    Raises :class:`ModelNotFound`, :class:`ArtifactCorrupt` or :class:`ArtifactIncompatible`.
    """
    if is_wheel(path):
        with TemporaryDirectory() as folder:
            return read_record(unpack_model(path, Path(folder)))
    if path.is_file():
        manifest = parse_manifest(_read(path), path.name)
        return Record(manifest, _text(path.with_name(CONFIG)))
    artifact = open_artifact(path)
    return Record(artifact.manifest, _text(artifact.folder / CONFIG))


def _read(path: Path) -> bytes:
    try:
        return read_regular_file(path, most=MAX_MANIFEST_BYTES)
    except OSError as error:
        raise ArtifactCorrupt(f"{path} cannot be read: {error.strerror or error}") from error


def _text(path: Path) -> str | None:
    return _read(path).decode("utf-8", "replace") if path.is_file() else None


def find_config(record: Record, given: Path | None) -> str:
    """Return the config with the recorded hash: given, of the artifact, or the bundled one."""
    wanted = record.manifest["config_sha256"]
    texts = [read_config(given)] if given is not None else [record.config, bundled_config()]
    for text in texts:
        if text is not None and hashlib.sha256(text.encode()).hexdigest() == wanted:
            return text
    instead = (
        f"{given} has another"
        if given is not None
        else "the artifact and this package hold no such one"
    )
    raise DataError(
        f"the model was made with a config of SHA-256 {wanted}; {instead}. "
        "Name the right one with --config FILE"
    )


def find_sales(record: Record, spec: Spec, given: Path | None) -> Sales:
    """Return the sales with the recorded hash: generated, given, or found in the datasets folder.

    Raises :class:`DataError` that names the hash and what to do where they are not at hand.
    """
    data = record.manifest["data"]
    if data["source"] == SAMPLE:
        sales = sample_sales(spec, data["rows"])
        if sales.sha256 == data["sha256"]:
            return sales
        raise DataError(
            f"the model was made from {_described(data)}; this version generates others (SHA-256 "
            f"{sales.sha256}). Install {DISTRIBUTION} {record.manifest['version']}"
        )
    path = given if given is not None else _in_datasets(data["sha256"])
    if path is None:
        raise DataError(
            f"the model was made from {_described(data)}; no file in {datasets_folder()}/ is that. "
            "Fetch it with: regression-model data fetch, or name it with --data FILE"
        )
    sales = load_sales(path, spec)
    if sales.sha256 != data["sha256"]:
        raise DataError(
            f"the model was made from {_described(data)}; {path} has SHA-256 {sales.sha256}. "
            "Name the file it was made from with --data FILE"
        )
    return replace(sales, source=data["source"], name=data["name"])


def _described(data: Mapping[str, Any]) -> str:
    return f"{data['name']} ({data['rows']:,} sales) with SHA-256 {data['sha256']}"


def _in_datasets(wanted: str) -> Path | None:
    files = (path for path in sorted(datasets_folder().rglob("*")) if path.is_file())
    return next((path for path in files if _hash_of(path) == wanted), None)


def _hash_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def reproduce(
    record: Record,
    root: Path,
    *,
    data: Path | None = None,
    config: Path | None = None,
    step: Step = lambda _: None,
) -> Comparison:
    """Train as recorded, save the artifact under ``root`` and compare it with the record.

    A model that fails the gate is compared all the same. Where this package does not run from a
    checkout it knows no git revision; the recorded one is then taken for right.
    """
    text = find_config(record, config)
    spec = parse_checked(text, label=CONFIG)
    sales = find_sales(record, spec, data)
    trained = train(spec, sales, repeats=record.repeats, force=True, step=step)
    revision = git_revision() or record.manifest["git_revision"]
    origin = Origin(record.manifest["trained_at"], revision)
    folder = save_trained(root, spec, sales, trained, config=text, origin=origin)
    return compare(record.manifest, open_artifact(folder).manifest)


def compare(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Comparison:
    """File by file by their hashes, then value by value of the two manifests."""
    names = sorted({*recorded["files"], *found["files"]})
    files = {name: recorded["files"].get(name) == found["files"].get(name) for name in names}
    files[MANIFEST] = recorded["digest"] == found["digest"]
    known = {*recorded, *found} - {"files", "digest"}
    differences = [
        difference
        for key in sorted(known)
        for difference in _differences(key, recorded.get(key, ABSENT), found.get(key, ABSENT))
    ]
    return Comparison(
        files=files,
        causes=tuple(d for d in differences if d.path.partition(".")[0] in CAUSES),
        outcomes=tuple(d for d in differences if d.path.partition(".")[0] not in CAUSES),
    )


def _differences(path: str, recorded: Any, found: Any) -> Iterator[Difference]:
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        for key in sorted({*recorded, *found}):
            pair = recorded.get(key, ABSENT), found.get(key, ABSENT)
            yield from _differences(f"{path}.{key}", *pair)
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for i, pair in enumerate(zip(recorded, found, strict=True)):
            yield from _differences(f"{path}[{i}]", *pair)
    elif recorded != found:
        yield Difference(path, recorded, found)
