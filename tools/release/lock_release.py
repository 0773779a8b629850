"""Write the hash of the published wheel into requirements.txt: ``tox -e lock-release``.

A platform then installs that wheel and no other, from any index. The hash is that of the
index, or of a wheel at hand (``--wheel``). A hash that is there already is never replaced.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

from tools.release.package_index import Index, Refused, without_secrets
from tools.release.project import NAME, ROOT

REQUIREMENTS = ROOT / "requirements.txt"
PIN = re.compile(
    rf"^{NAME}\[api\]==(?P<version>\S+)(?: --hash=sha256:(?P<sha256>[0-9a-f]{{64}}))?$", re.M
)


def main() -> None:
    """Lock the version that requirements.txt names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="the published wheel, where it is at hand")
    arguments = parser.parse_args()
    try:
        print(lock(REQUIREMENTS, arguments.wheel))
    except Refused as refused:
        sys.exit(without_secrets(f"lock-release: {refused}"))


def lock(requirements: Path, wheel: Path | None) -> str:
    """Add the hash to the pin; what was done, in a line."""
    text, line = locked(requirements.read_text("utf-8"), wheel)
    requirements.write_text(text, "utf-8")
    return f"{requirements.name}: {line}"


def locked(text: str, wheel: Path | None = None) -> tuple[str, str]:
    """The text of requirements.txt with the hash behind the pin, and the line that has it."""
    pin = PIN.search(text)
    if pin is None:
        raise Refused(f"{REQUIREMENTS.name} does not pin {NAME}[api]==VERSION")
    version, known = pin["version"], pin["sha256"]
    sha256 = hash_on_index(version) if wheel is None else hash_of(wheel, version)
    if known not in (None, sha256):
        raise Refused(
            f"the wheel of {version} has SHA-256 {sha256}, {REQUIREMENTS.name} says {known}. "
            "A version is published once: find out who made the other"
        )
    line = f"{NAME}[api]=={version} --hash=sha256:{sha256}"
    return text[: pin.start()] + line + text[pin.end() :], line


def hash_on_index(version: str) -> str:
    """The SHA-256 of the one wheel of a version, as the index tells it."""
    index = Index()
    release = index.release(version)
    wheels = {} if release is None else {n: h for n, h in release.files.items() if n[-4:] == ".whl"}
    if len(wheels) != 1 or "" in wheels.values():
        raise Refused(
            f"{index} has {len(wheels)} wheels of {version} with SHA-256, expected 1: {[*wheels]}"
        )
    return next(iter(wheels.values()))


def hash_of(wheel: Path, version: str) -> str:
    """The SHA-256 of a wheel at hand, which must be of the version."""
    if not wheel.is_file() or wheel.name.split("-")[1:2] != [version]:
        raise Refused(f"{wheel} is not the wheel of version {version}")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
