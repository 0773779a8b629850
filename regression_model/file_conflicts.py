"""Refusals of outputs that would replace an input, or one another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from regression_model.artifact import open_artifact, package_root
from regression_model.errors import InvalidInput, RegressionModelError
from regression_model.manifest import CURRENT, MANIFEST, ORIGIN

Identity = tuple[int, int] | str


def refuse_conflicts(outputs: Mapping[str, Path], inputs: Mapping[str, Path]) -> None:
    """Raise :class:`InvalidInput` where an output is an input, or two outputs are one file.

    Names are those by which the caller's user knows each path, such as ``--output``. Files are
    compared, not their names: other spellings, links and hard links of a file are found. A folder
    as input means the artifact in it, a folder as output what saving an artifact replaces.
    """
    read = _inputs_by_identity(inputs) if any(map(os.path.exists, outputs.values())) else {}
    written: dict[Identity, str] = {}
    for name, output in outputs.items():
        for identity in map(_identity, _replaced(output)):
            if identity is None:
                continue
            if identity in read:
                its_name, its_file = read[identity]
                raise InvalidInput(
                    f"{name} {output} would replace {its_file}, an input ({its_name}); "
                    f"choose another {name}"
                )
            other = written.setdefault(identity, name)
            if other != name:
                raise InvalidInput(
                    f"{name} {output} is also the file of {other}; choose another {name}"
                )


def _inputs_by_identity(inputs: Mapping[str, Path]) -> dict[Identity, tuple[str, Path]]:
    files = [(name, file) for name, path in inputs.items() for file in _read(path)]
    found = {_identity(file): (name, file) for name, file in files}
    return {identity: pair for identity, pair in found.items() if identity is not None}


def _identity(file: Path) -> Identity | None:
    """Return what all names of a file share, or its place if it is new; None for a device."""
    try:
        found = file.stat()
    except OSError:
        return os.path.realpath(file)
    return None if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


def _read(path: Path) -> Iterator[Path]:
    """Yield ``path`` and, where ``path`` is a folder with an artifact, its files."""
    yield path
    try:
        artifact = open_artifact(path)
    except (
        RegressionModelError,
        OSError,
    ):  # no artifact, or the code that reads the folder reports what is wrong
        return
    yield path / CURRENT
    for name in (MANIFEST, ORIGIN, *artifact.manifest["files"]):
        yield artifact.folder / name


def _replaced(path: Path) -> Iterator[Path]:
    """Yield ``path`` and, where ``path`` is the package's own folder, the files that go."""
    yield path
    if os.path.realpath(path) == os.path.realpath(package_root()):
        yield from path.glob("regression_model-*/*")
