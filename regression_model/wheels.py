"""The model inside a wheel, read without installing the wheel or running any of its code.

The name of a wheel says little: anybody may give any name to a file, and another project may have
the name of this one on some index. What counts is the manifest inside.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from regression_model.artifact import MAX_MANIFEST_BYTES
from regression_model.errors import ArtifactCorrupt
from regression_model.files.regular_file import MAX_BYTES
from regression_model.manifest import MANIFEST, artifact_name, parse_manifest

SUFFIX = ".whl"
_MODELS = "regression_model/artifacts/"
_DAMAGED = (BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, zlib.error)
_MANIFEST = re.compile(rf"{_MODELS}[^/]+/{re.escape(MANIFEST)}")


def is_wheel(path: Path) -> bool:
    """Return whether ``path`` is a file that is called like a wheel."""
    return path.suffix == SUFFIX and path.is_file()


def unpack_model(wheel: Path, folder: Path) -> Path:
    """Write the one artifact in ``wheel`` below ``folder``, and return its folder.

    Only what its manifest names is unpacked, at most 1 GiB in all. Hashes are verified when the
    files are read, as in any artifact. Raises :class:`ArtifactCorrupt` or
    :class:`ArtifactIncompatible`.
    """
    try:
        with ZipFile(wheel) as archive:
            place = _place_of_manifest(archive, wheel.name)
            content = _member(archive, f"{place}{MANIFEST}", most=MAX_MANIFEST_BYTES)
            manifest = parse_manifest(content, wheel.name)
            unpacked = folder / artifact_name(manifest)
            unpacked.mkdir(parents=True)
            (unpacked / MANIFEST).write_bytes(content)
            held, left = {*archive.namelist()}, MAX_BYTES
            for name in manifest["files"]:
                if place + name in held:  # reading a missing file says that it is missing
                    content = _member(archive, place + name, most=left)
                    left -= len(content)
                    (unpacked / name).write_bytes(content)
    except (
        BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
        zlib.error,
    ) as error:
        raise ArtifactCorrupt(f"{wheel.name} cannot be read as a wheel: {error}") from error
    return unpacked


def _place_of_manifest(archive: ZipFile, wheel: str) -> str:
    found = [name for name in archive.namelist() if _MANIFEST.fullmatch(name)]
    if len(found) != 1:
        raise ArtifactCorrupt(
            f"{wheel} holds {len(found)} models below {_MODELS}, expected 1: it is another "
            "project's, or was built without 'tox -e package'. Nothing of it was run"
        )
    return found[0].removesuffix(MANIFEST)


def _member(archive: ZipFile, name: str, *, most: int) -> bytes:
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} holds more than {most:,} bytes")
    return content
