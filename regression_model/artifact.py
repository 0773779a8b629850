"""Artifacts on disk: immutable folders, hashed, replaced atomically.

``<root>/regression_model-<version>-<digest8>/`` holds the files and their ``manifest.json``;
``<root>/CURRENT`` names the current folder. The manifest carries the SHA-256 of every other
file and a digest of itself. Hashes catch corruption, not malice.

Here artifacts are read; :mod:`regression_model.artifact_folders` writes them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regression_model.errors import ArtifactCorrupt, ModelNotFound
from regression_model.files.regular_file import MAX_BYTES, read_regular_file
from regression_model.manifest import (
    CURRENT,
    MANIFEST,
    ORIGIN,
    artifact_label,
    artifact_name,
    is_plain_name,
    parse_manifest,
)

GRAPH = "model.onnx"
GOLDEN = "golden.json"
COMPARABLES = "comparables.npz"
PIPELINE = "pipeline.joblib"
DIFFICULTY = "difficulty.joblib"
CARD = "MODEL_CARD.md"
CONFIG = "config.yml"
ENVIRONMENT_VARIABLE = "REGRESSION_MODEL_ARTIFACT"

MAX_MANIFEST_BYTES = 64 * 1024**2
_MAX_NOTE_BYTES = 4096  # of CURRENT and ORIGIN


@dataclass(frozen=True)
class Artifact:
    """A verified manifest and the folder it describes."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return what the artifact is called, wherever its folder lies: its version and digest."""
        return artifact_name(self.manifest)

    @property
    def label(self) -> str:
        """Return which model it holds, as answers tell: ``VERSION-digest8``."""
        return artifact_label(self.manifest)

    @property
    def served(self) -> list[str]:
        """Return names of the files that serving may read: all but what only joblib reads."""
        return [name for name in self.manifest["files"] if not name.endswith(".joblib")]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file with the right hash; raises ArtifactCorrupt otherwise."""
        expected = self.manifest["files"].get(name)
        if expected is None:
            raise ArtifactCorrupt(f"artifact {self.folder.name} has no {name}; train a new one")
        content = _read(self.folder / name)
        actual = hashlib.sha256(content).hexdigest()
        if actual != expected:
            raise ArtifactCorrupt(
                f"{name} of artifact {self.folder.name} has SHA-256 {actual[:12]}…, its manifest "
                f"says {expected[:12]}…: the file changed after training. Install or train it anew."
            )
        return content

    def verify_served(self) -> None:
        """Read what serving may read against its hashes; :class:`ArtifactCorrupt` otherwise."""
        for name in self.served:
            self.read(name)

    def verify(self) -> tuple[list[str], list[str]]:
        """Read every file against its hash: names of those intact, faults of the others."""
        intact, problems = [], []
        for name in self.manifest["files"]:
            try:
                self.read(name)
                intact.append(name)
            except ArtifactCorrupt as error:
                problems.append(str(error))
        return intact, problems


def package_root() -> Path:
    """Return where the installed package keeps its own artifact."""
    return Path(__file__).parent / "artifacts"


def open_artifact(path: str | os.PathLike[str] | None = None) -> Artifact:
    """Open an artifact and check its manifest.

    Parameters
    ----------
    path : str or path, optional
        Folder, by the rules of :func:`regression_model.load_model`.

    Returns
    -------
    Artifact
        The artifact; each of its files is checked when it is read.

    Raises
    ------
    ModelNotFound
        If there is no artifact.
    ArtifactCorrupt
        If the manifest is missing or damaged.
    ArtifactIncompatible
        If the manifest has an unknown format.
    """
    chosen = path if path is not None else os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen == "":
        raise ModelNotFound(f"{ENVIRONMENT_VARIABLE} is empty; name an artifact in it, or unset it")
    root = Path(chosen) if chosen is not None else package_root()
    while True:
        folder = current_folder(root)
        try:
            return Artifact(folder, read_manifest(folder))
        except ArtifactCorrupt:
            if current_folder(root) == folder:
                raise
            # It was replaced, and removed, between the two reads: read the current one.


def origin_of(artifact: Artifact) -> str:
    """Return where an artifact came from.

    Parameters
    ----------
    artifact : Artifact
        An opened artifact, for example ``load_model().artifact``.

    Returns
    -------
    str
        What a copy noted as its origin; else "package" for the package's own artifact, "folder" for
        any other.

    Examples
    --------
    >>> from regression_model import load_model, origin_of
    >>> origin_of(load_model().artifact)
    'folder'
    """
    return origin_in(artifact.folder)


def origin_in(folder: Path) -> str:
    """Return where the artifact in ``folder`` came from, by :func:`origin_of`."""
    try:
        return read_regular_file(folder / ORIGIN, most=_MAX_NOTE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        return "package" if folder.parent == package_root() else "folder"


def current_folder(root: Path) -> Path:
    """Return the folder of the current artifact of ``root``, or ``root`` if it is an artifact.

    Raises :class:`ModelNotFound` or :class:`ArtifactCorrupt`.
    """
    if (root / MANIFEST).exists():
        return root
    try:
        name = read_regular_file(root / CURRENT, most=_MAX_NOTE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise ModelNotFound(
            f"there is no trained model in {root}. Make one with: regression-model train "
            f"(or name an artifact in {ENVIRONMENT_VARIABLE})"
        ) from None
    if not is_plain_name(name):
        raise ArtifactCorrupt(f"{root / CURRENT} does not name a folder beside it; train anew")
    return root / name


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the verified manifest in ``folder``; see :func:`parse_manifest`."""
    return parse_manifest(_read(folder / MANIFEST, most=MAX_MANIFEST_BYTES), folder.name)


def _read(path: Path, *, most: int = MAX_BYTES) -> bytes:
    try:
        return read_regular_file(path, most=most)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactCorrupt(
            f"{path.name} of {path.parent.name} cannot be read: {reason}"
        ) from error
