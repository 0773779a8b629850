"""Folders of artifacts: written whole or not at all, copied, and removed when superseded.

A folder of artifacts may hold more: other models, and files of the person it belongs to. Nothing is
removed there but what this module itself wrote and has replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from regression_model.artifact import (
    MAX_MANIFEST_BYTES,
    Artifact,
    current_folder,
    origin_of,
    read_manifest,
)
from regression_model.errors import ArtifactCorrupt, ArtifactError
from regression_model.files.regular_file import MAX_BYTES, read_regular_file
from regression_model.manifest import (
    CURRENT,
    FORMAT,
    MANIFEST,
    ORIGIN,
    artifact_name,
    parse_manifest,
    render_manifest,
)

_PREFIX = "regression_model-"  # of the name of every artifact
_BESIDE_COPIES = ("api-keys", "lost+found")  # the service's copy of its keys; a mounted disk's own
_TEMPORARY = ".saving-"
_UNFINISHED = re.compile(r"\.saving-(\d+)-[0-9a-f]{16}", re.ASCII)


def save_artifact(
    root: Path, *, version: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]
) -> Path:
    """Write ``files`` and their manifest as a new folder of ``root``, and make it the current one.

    Everything is written under a temporary name, flushed to disk and renamed, so the previous
    artifact stays whole and current, even if the process is killed. Returns the new folder. Raises
    :class:`ArtifactCorrupt` where the result could not be read again.
    """
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    text = render_manifest({"format": FORMAT, "version": version, **manifest, "files": hashes})
    written = {**files, MANIFEST: text.encode()}
    folder = root / artifact_name(json.loads(text))
    _check_readable(folder.name, written)
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    _place(root, folder, written)
    return folder


def copy_artifact(artifact: Artifact, root: Path, *, origin: str | None = None) -> Path:
    """Copy what serving reads of an artifact, and make the copy the current artifact of a folder.

    Every file is checked by its hash on the way. Joblib files (pickles) are left out. Older copies
    in the folder are removed.

    Parameters
    ----------
    artifact : Artifact
        An opened artifact.
    root : pathlib.Path
        Folder for copies and nothing else; made where it does not exist.
    origin : str, optional
        Note in the copy, which :func:`origin_of` returns. Default: the origin of ``artifact``.

    Returns
    -------
    pathlib.Path
        The folder of the copy.

    Raises
    ------
    ArtifactError
        If ``root`` holds artifacts that are no copies.
    ArtifactCorrupt
        If a file is missing or differs from its hash.

    Examples
    --------
    >>> from pathlib import Path
    >>> from regression_model import copy_artifact, load_model
    >>> folder = copy_artifact(load_model().artifact, Path("copies"), origin="example")
    >>> load_model(folder).version == load_model().version
    True
    """
    refuse_foreign_files(root)
    files = {name: artifact.read(name) for name in artifact.served}
    files[MANIFEST] = render_manifest(artifact.manifest).encode()
    files[ORIGIN] = f"{origin_of(artifact) if origin is None else origin}\n".encode()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / artifact.name
    _place(root, folder, files)
    remove_superseded(root, copies=True)
    return folder


def refuse_foreign_files(root: Path) -> None:
    """Raise :class:`ArtifactError` where ``root`` holds anything but copies of artifacts."""
    found = next(filter(_is_foreign, sorted(root.iterdir())), None) if root.is_dir() else None
    if found is not None:
        raise ArtifactError(
            f"{root} holds {found.name}, which is not a copy made by this package; name a folder "
            "that is used for nothing else"
        )


def _is_foreign(path: Path) -> bool:
    """Return whether ``path``, in a folder of copies, does not belong to copies."""
    if path.name == CURRENT:
        return not _note(path).startswith(_PREFIX)
    if path.name.startswith(_PREFIX):
        return not (path / ORIGIN).is_file()
    return not path.name.startswith(".") and path.name not in _BESIDE_COPIES


def _note(path: Path) -> str:
    try:
        return read_regular_file(path, most=1000).decode("utf-8", "replace")
    except OSError:
        return ""


def remove_superseded(root: Path, *, copies: bool) -> None:
    """Remove artifacts of ``root`` that are not current: copies, or else what was saved there.

    A folder is removed only if it is an artifact, under its own name, with nothing else in it; a
    copy also carries the mark of :func:`copy_artifact`.
    """
    current = current_folder(root)
    for folder in root.glob("regression_model-*"):
        if folder != current and (files := _own_files(folder)) and (ORIGIN in files) == copies:
            moved = root / _temporary_name()
            with suppress(OSError):  # another process may remove it as well
                os.replace(folder, moved)
                _remove(moved, files)


def _own_files(folder: Path) -> set[str]:
    """Return names of the files of an artifact's folder; none where anything else is in it."""
    try:
        if folder.is_symlink():
            return set()
        manifest = read_manifest(folder)
        held = {path.name for path in folder.iterdir()}
    except (OSError, ArtifactError):
        return set()
    known = {*manifest["files"], MANIFEST, ORIGIN}
    return held if held <= known and folder.name == artifact_name(manifest) else set()


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove the files ``names`` of ``folder``, and the folder itself if nothing else is in it."""
    with suppress(OSError):  # another process may remove it as well
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _place(root: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` as ``folder`` of ``root``, whole or not at all, and make it current."""
    if not _is_folder(folder):
        try:
            _write_folder(root, folder, files)
        except OSError:
            if not _is_folder(folder):  # else another process was quicker
                raise
    _repair(folder, files, staging=root)
    _sync_folder(root)
    _replace(root / CURRENT, f"{folder.name}\n".encode(), staging=root)
    _sync_folder(root)
    _remove_abandoned(root)


def _write_folder(root: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    staging = root / _temporary_name()
    staging.mkdir()
    try:
        for name, content in files.items():
            _write(staging / name, content)
        _sync_folder(staging)
        os.replace(staging, folder)
    except BaseException:
        _remove(staging, files)
        raise


def _repair(folder: Path, files: Mapping[str, bytes], *, staging: Path) -> None:
    """Replace those of ``files`` in ``folder`` that are damaged or missing; leave all others."""
    for name, content in files.items():
        if not _holds(folder / name, content):
            _replace(folder / name, content, staging=staging)
    _sync_folder(folder)


def _check_readable(name: str, files: Mapping[str, bytes]) -> None:
    """Refuse to write what :func:`open_artifact` would not read."""
    parse_manifest(files[MANIFEST], name)
    for file, content in files.items():
        most = MAX_MANIFEST_BYTES if file == MANIFEST else MAX_BYTES
        if len(content) > most:
            raise ArtifactCorrupt(
                f"{file} of {name} would hold {len(content):,} bytes, and at most {most:,} are "
                "read again; train on fewer sales"
            )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_regular_file(path, most=len(content)) == content
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(path: Path, content: bytes, *, staging: Path) -> None:
    """Write a file whole or not at all, by way of a folder whose leftovers are removed."""
    written = staging / _temporary_name()
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


def _temporary_name() -> str:
    """Return a new name for what this process has not finished."""
    return f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"


def _remove_abandoned(root: Path) -> None:
    """Remove what this process is done with, and what processes left that are no more."""
    for stray in _unfinished(root):
        if _is_folder(stray):
            _remove(stray, [path.name for path in stray.iterdir()])
        else:
            stray.unlink(missing_ok=True)


def _unfinished(root: Path) -> Iterator[Path]:
    for stray in root.glob(f"{_TEMPORARY}*"):
        found = _UNFINISHED.fullmatch(stray.name)
        if found and (int(found[1]) == os.getpid() or not is_running(int(found[1]))):
            yield stray


def is_running(process: int) -> bool:
    """Return whether there is a process of this number; on Windows never."""
    if os.name == "nt":
        return False  # where asking would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True
