"""Two builds of the same commit and data are the same to the byte."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path


def test_wheel_and_sdist_are_the_same_wherever_and_by_whomever_they_are_built(
    built: tuple[Path, Path],
    checkout: Callable[..., Path],
    build: Callable[..., tuple[Path, Path]],
) -> None:
    other = checkout()
    for path in other.rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)

    again = build(other, umask=0o077)

    for first, second in zip(built, again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes(), first.name


def test_the_sdist_says_nothing_of_the_machine(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()

    assert {member.mtime for member in members} == {1_700_000_000}
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
