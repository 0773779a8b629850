"""Publish the wheel and the sdist of a folder, once: ``python -m tools.release.publish dist``.

Both are checked, and the index is asked whether it has this version, before anything is uploaded.
Where it has, the version is refused; with ``--if-new`` there is nothing to do, and that is well. A
version that the index has only in part is refused in both cases.
The index and the token are named by the environment alone: see ``tools/release/package_index.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from tools.release.package_index import (
    UPLOADS,
    Index,
    Refused,
    without_credentials,
    without_secrets,
)
from tools.release.project import ROOT, run
from tools.release.verify_distributions import check_contents

VERSION = ROOT / "regression_model" / "VERSION"
PATIENCE_SECONDS = 60
NOISE = re.compile(r"PASSED$|--verbose option")
TROUBLE = re.compile(r"^(ERROR|WARNING|usage)|FAILED")


def main() -> None:
    """Check, ask, upload, and see that the index has what was built."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist")
    parser.add_argument(
        "--if-new", action="store_true", help="do nothing where the index has this version"
    )
    arguments = parser.parse_args()
    try:
        print(publish(arguments.folder, if_new=arguments.if_new))
    except Refused as refused:
        sys.exit(without_secrets(f"publish: {refused}"))


def publish(folder: Path, *, if_new: bool) -> str:
    """Upload the distributions of ``folder``; what was done, in a line."""
    if not os.environ.get(UPLOADS):  # twine would take its default
        raise Refused(f"{UPLOADS} is not set: name the index to publish to")
    version = VERSION.read_text("ascii").strip()
    index = Index()
    release = index.release(version)
    if release is None:
        files = distributions(folder, version)
        twine("check", "--strict", *map(str, files))
        twine("upload", "--non-interactive", "--disable-progress-bar", *map(str, files))
        see(index, version, files)
        address = without_credentials(os.environ[UPLOADS])
        return f"published {', '.join(path.name for path in files)} to {address}"
    missing = {".whl", ".tar.gz"} - {ending(name) for name in release.files}
    if missing:
        kinds = " and ".join(sorted(missing))
        raise Refused(
            f"{index} has version {version} without {kinds}: an upload was cut short. Upload the "
            "rest of it by hand, or raise VERSION: tox -e bump -- NEW"
        )
    if if_new:
        return f"{index} has version {version} already: nothing to publish"
    raise Refused(
        f"{index} has version {version} already, and a version is published once. Raise "
        "VERSION: tox -e bump -- NEW"
    )


def ending(name: str) -> str:
    """The kind of a distribution, by its name."""
    return ".tar.gz" if name.endswith(".tar.gz") else Path(name).suffix


def distributions(folder: Path, version: str) -> list[Path]:
    """The one wheel and the one sdist of the folder, of this version, with the model inside."""
    wheels, sdists = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        raise Refused(
            f"{folder} holds {len(wheels)} wheel(s) and {len(sdists)} sdist(s), expected one of "
            "each: tox -e package"
        )
    for path in (*wheels, *sdists):
        found = version_of(path)
        if found != version:
            raise Refused(f"{path.name} is version {found}, VERSION says {version}: tox -e package")
    try:
        check_contents(wheels[0], sdists[0])
    except SystemExit as refused:
        raise Refused(str(refused)) from None
    return [*wheels, *sdists]


def version_of(path: Path) -> str:
    """The version that a distribution's name holds."""
    parse = parse_wheel_filename if path.suffix == ".whl" else parse_sdist_filename
    try:
        return str(parse(path.name)[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        raise Refused(f"{path.name} is no name of a distribution: tox -e package") from None


def twine(*command: str) -> None:
    """Run twine, which is quiet unless it fails."""
    wide = {**os.environ, "COLUMNS": "1000"}  # it would wrap what it says
    ended = run([sys.executable, "-m", "twine", "--no-color", *command], env=wide)
    if ended.returncode:
        raise Refused(f"twine {command[0]} failed: {_reason(ended.stdout + ended.stderr)}")


def _reason(output: str) -> str:
    """What twine says went wrong, in one line."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    told = [line for line in lines if not NOISE.search(line)]
    first = next((i for i, line in enumerate(told) if TROUBLE.search(line)), len(told) - 1)
    return " ".join(told[max(first, 0) :]) or "it does not say why"


def see(index: Index, version: str, files: Sequence[Path]) -> None:
    """Return once the index has each file with the hash of ours."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        release = index.release(version)
        missing = [path.name for path in files if release is None or path.name not in release.files]
        if release is not None and not missing:
            break
        if time.monotonic() > deadline:
            raise Refused(f"uploaded, but {index} does not list {', '.join(missing)}")
        time.sleep(1)
    for path in files:
        ours = hashlib.sha256(path.read_bytes()).hexdigest()
        if release.files[path.name] not in ("", ours):
            raise Refused(f"{index} has another {path.name}: SHA-256 {release.files[path.name]}")


if __name__ == "__main__":
    main()
