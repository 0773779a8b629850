"""Artifacts on disk: immutable folders, hashed, replaced atomically.

``<root>/regression_model-<version>-<digest8>/`` holds the files and their ``manifest.json``;
``<root>/CURRENT`` names the folder in force. The manifest carries the SHA-256 of every other
file and a digest of itself. Hashes catch corruption, not malice.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regression_model.errors import ArtifactCorrupt, ArtifactIncompatible, ModelNotFound

FORMAT = 2  # 1: every range of one relative width
GRAPH = "model.onnx"
GOLDEN = "golden.json"
COMPARABLES = "comparables.npz"
PIPELINE = "pipeline.joblib"
DIFFICULTY = "difficulty.joblib"
CARD = "MODEL_CARD.md"
CONFIG = "config.yml"
MANIFEST = "manifest.json"
ORIGIN = "ORIGIN"  # of a copy; no part of the artifact, nor of its manifest
ENVIRONMENT_VARIABLE = "REGRESSION_MODEL_ARTIFACT"

CURRENT = _CURRENT = "CURRENT"  # names the folder in force
_TEMPORARY = ".saving-"


@dataclass(frozen=True)
class Artifact:
    """A verified manifest and the folder it describes."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def served(self) -> list[str]:
        """Names of the files that serving may read: all but what only joblib reads."""
        return [name for name in self.manifest["files"] if not name.endswith(".joblib")]

    def read(self, name: str) -> bytes:
        """The bytes of a file, after its hash was verified; :class:`ArtifactCorrupt` otherwise."""
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
    """Where the installed package keeps its own artifact."""
    return Path(__file__).parent / "artifacts"


def open_artifact(path: str | os.PathLike[str] | None = None) -> Artifact:
    """Open the artifact at ``path``: its folder, or a folder that holds ``CURRENT``.

    Without ``path``: the environment variable ``REGRESSION_MODEL_ARTIFACT``, else the package's
    own. Raises :class:`ModelNotFound`, :class:`ArtifactCorrupt` or :class:`ArtifactIncompatible`.
    """
    chosen = path if path is not None else os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen == "":
        raise ModelNotFound(f"{ENVIRONMENT_VARIABLE} is empty; name an artifact in it, or unset it")
    root = Path(chosen) if chosen is not None else package_root()
    while True:
        folder = _current(root)
        try:
            return Artifact(folder, _read_manifest(folder))
        except ArtifactCorrupt:
            if _current(root) == folder:
                raise
            # It was replaced, and removed, between the two reads: read what is in force now.


def save_artifact(
    root: Path, *, version: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]
) -> Path:
    """Write ``files`` and their manifest as a new folder of ``root`` and put it in force.

    Everything is written under a temporary name, flushed to disk and renamed, so whatever
    happens the previous artifact stays whole and in force. Returns the new folder.
    """
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    text = _render({"format": FORMAT, "version": version, **manifest, "files": hashes})
    folder = root / f"regression_model-{version}-{json.loads(text)['digest'][:8]}"
    _place(root, folder, {**files, MANIFEST: text.encode()})
    return folder


def _place(root: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` as ``folder`` of ``root``, whole or not at all, and put it in force."""
    staging = root / f"{_temporary()}{secrets.token_hex(4)}"
    staging.mkdir()  # not by tempfile, which keeps a folder from those whom the umask lets in
    try:
        for name, content in files.items():
            _write(staging / name, content)
        _sync_folder(staging)
        if folder.exists() and not _holds(folder, files):
            os.replace(folder, root / f"{_temporary()}damaged")
        if not folder.exists():
            os.replace(staging, folder)
        _put_in_force(root, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _remove_abandoned(root)


def copy_artifact(artifact: Artifact, root: Path, *, origin: str | None = None) -> Path:
    """Copy what serving reads of ``artifact`` to ``root``, in place of older copies, and return it.

    Files are verified on the way; joblib files are left out. ``origin`` is noted in the copy, for
    :func:`origin_of`.
    """
    root.mkdir(parents=True, exist_ok=True)
    files = {name: artifact.read(name) for name in artifact.served}
    manifest = {name: value for name, value in artifact.manifest.items() if name != "digest"}
    files[MANIFEST] = _render(manifest).encode()
    folder = root / artifact.folder.name
    if origin is not None:
        files[ORIGIN] = f"{origin}\n".encode()
        if folder.is_dir():  # it stays where it is, and in force, when the rest of it is the same
            _replace(folder / ORIGIN, files[ORIGIN], staging=root)
    _place(root, folder, files)
    remove_superseded(root)
    return folder


def origin_of(artifact: Artifact) -> str:
    """Where ``artifact`` came from: what its copy notes, else ``package`` or ``folder``."""
    try:
        return (artifact.folder / ORIGIN).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return "package" if artifact.folder.parent == package_root() else "folder"


def remove_superseded(root: Path) -> None:
    """Remove every artifact of ``root`` but the one in force."""
    current = _current(root)
    for folder in root.glob("regression_model-*"):
        if folder.is_dir() and folder != current:
            shutil.rmtree(folder, ignore_errors=True)  # another process may be at it as well


def _current(root: Path) -> Path:
    if (root / MANIFEST).exists():
        return root
    try:
        name = (root / _CURRENT).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ModelNotFound(
            f"there is no trained model in {root}. Make one with: regression-model train "
            f"(or name an artifact in {ENVIRONMENT_VARIABLE})"
        ) from None
    if name in ("", ".", "..") or Path(name).name != name:
        raise ArtifactCorrupt(f"{root / _CURRENT} does not name a folder beside it; train anew")
    return root / name


def _read_manifest(folder: Path) -> dict[str, Any]:
    return parse_manifest(_read(folder / MANIFEST), folder.name)


def parse_manifest(content: bytes, name: str) -> dict[str, Any]:
    """The manifest of the artifact ``name``, after its format and its digest were verified.

    Raises :class:`ArtifactCorrupt` or :class:`ArtifactIncompatible`.
    """
    try:
        manifest = json.loads(content)
        known = manifest["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactCorrupt(
            f"{MANIFEST} of {name} is damaged; install or train it anew"
        ) from None
    if known != FORMAT:
        raise ArtifactIncompatible(
            f"artifact {name} has format {known!r}, this package reads format {FORMAT}; "
            "install the package version that wrote it, or train anew"
        )
    if _render({k: v for k, v in manifest.items() if k != "digest"}).encode() != content:
        raise ArtifactCorrupt(
            f"{MANIFEST} of {name} does not match its own digest; install or train it anew"
        )
    return dict(manifest)


def _render(manifest: Mapping[str, Any]) -> str:
    canonical = json.dumps(manifest, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    complete = {**manifest, "digest": digest}
    return json.dumps(complete, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArtifactCorrupt(
            f"{path.name} of {path.parent.name} cannot be read: {reason}"
        ) from error


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _put_in_force(root: Path, folder: Path) -> None:
    _sync_folder(root)
    _replace(root / _CURRENT, f"{folder.name}\n".encode(), staging=root)
    _sync_folder(root)


def _replace(path: Path, content: bytes, *, staging: Path) -> None:
    """Write a file whole or not at all, by way of a folder whose leftovers are removed."""
    written = staging / f"{_temporary()}{path.name.lower()}"
    try:
        _write(written, content)
        os.replace(written, path)
    finally:
        written.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; its renames are journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary() -> str:
    """How the names of what this process has not finished begin."""
    return f"{_TEMPORARY}{os.getpid()}-"


def _remove_abandoned(root: Path) -> None:
    """Remove what this process is done with, and what processes left that are no more."""
    for stray in root.glob(f"{_TEMPORARY}*"):
        owner = stray.name.removeprefix(_TEMPORARY).partition("-")[0]
        if owner.isdecimal() and int(owner) != os.getpid() and is_running(int(owner)):
            continue
        shutil.rmtree(stray) if stray.is_dir() else stray.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether there is a process of this number; on Windows never."""
    if os.name == "nt":
        return False  # where asking would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True
