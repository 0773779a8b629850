"""Raise a version in all files: ``tox -e bump -- 0.2.0``, for the service with ``--api``.

The package: ``regression_model/VERSION``, the pin of ``requirements.txt`` (without a hash, which a
wheel gets when it is published) and a heading in ``CHANGELOG.md``. The service:
``ml_api/VERSION`` and a heading.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from tools.release.project import NAME, ROOT, run

CHANGELOG, REQUIREMENTS = "CHANGELOG.md", "requirements.txt"


class Refused(Exception):
    """Why the version is not raised."""


class Distribution(NamedTuple):
    """Where a version is kept: its file, and how its headings in the changelog begin."""

    version: str
    heading: str


PACKAGE = Distribution("regression_model/VERSION", "## ")
API = Distribution("ml_api/VERSION", "## API ")


def main() -> None:
    """Raise one of the two versions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("new", help="such as 0.2.0; 0.2.0rc1 comes before it")
    parser.add_argument("--api", action="store_true", help="the service, not the package")
    arguments = parser.parse_args()
    try:
        for path in bump(ROOT, API if arguments.api else PACKAGE, arguments.new):
            print(f"{arguments.new}: {path}")
    except Refused as refused:
        sys.exit(f"bump: {refused}")


def bump(root: Path, which: Distribution, new: str) -> list[str]:
    """Write the new version; the files that were changed. Nothing is, unless all can be."""
    old = (root / which.version).read_text("ascii").strip()
    check_order(old, new)
    changed = {which.version: f"{new}\n", CHANGELOG: with_heading(root, which, old, new)}
    if which is PACKAGE:
        changed[REQUIREMENTS] = with_pin(root, old, new)
    check_clean(root, [*changed])
    for name, text in changed.items():
        (root / name).write_text(text, "utf-8")
    return [*changed]


def check_order(old: str, new: str) -> None:
    """Refuse a version that is none, is not written as indexes write it, or is not later."""
    try:
        later = Version(new) > Version(old)
    except InvalidVersion:
        raise Refused(f"{new!r} is not a version; write three numbers, such as 0.2.0") from None
    plain = str(Version(new)) == new and len(Version(new).release) == 3 and not Version(new).local
    if not plain:
        raise Refused(f"{new!r} is not written as three plain numbers, such as 0.2.0 or 0.2.0rc1")
    if not later:
        raise Refused(f"{new} does not come after {old}; a version is published once")


def with_heading(root: Path, which: Distribution, old: str, new: str) -> str:
    """The changelog with a heading for the new version above the newest one of its kind."""
    text = (root / CHANGELOG).read_text("utf-8")
    newest = re.search(rf"^{re.escape(which.heading)}(\d\S*)", text, re.M)
    if newest is None or newest[1] != old:
        said = "none" if newest is None else newest[1]
        raise Refused(f"the newest heading of {CHANGELOG} is {said}, {which.version} says {old}")
    return f"{text[: newest.start()]}{which.heading}{new}\n\n{text[newest.start() :]}"


def with_pin(root: Path, old: str, new: str) -> str:
    """requirements.txt with the new pin; the hash of the old wheel goes."""
    text = (root / REQUIREMENTS).read_text("utf-8")
    pin = rf"^({re.escape(NAME)}\[api\]==){re.escape(old)}( --hash=\S+)?$"
    pinned, count = re.subn(pin, rf"\g<1>{new}", text, flags=re.M)
    if count != 1:
        raise Refused(f"{REQUIREMENTS} does not pin {NAME}[api]=={old}")
    return pinned


def check_clean(root: Path, names: list[str]) -> None:
    """Refuse files with changes that are not committed: they would go out under the new version."""
    told = run(["git", "-C", str(root), "status", "--porcelain", "--", *names])
    if told.returncode:
        raise Refused(f"git cannot tell what changed: {told.stderr.strip()}")
    if told.stdout:
        dirty = ", ".join(line[3:] for line in told.stdout.splitlines())
        raise Refused(f"{dirty} has changes; commit them first, or undo them")


if __name__ == "__main__":
    main()
