"""List what a release is installed with: ``python -m tools.release.sbom dist``.

The wheel of the folder is installed beside each lock of ``requirements/`` into a new environment,
by hash. What is then there is written into the folder as CycloneDX (``sbom-serving.json``
and so on), and its licences as a table (``licences.md``). A licence that is not
allowed below, a package without one and a list that lacks a locked package are refused.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.measuring.markdown import table
from tools.release.project import NAME, ROOT, run

LOCKS = ("serving", "serving-registry", "training")

# Permissive, or copyleft by the file for what we use as it is.
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    # As classifiers name them.
    *(
        "Apache Software License",
        "BSD License",
        "MIT License",
        "Python Software Foundation License",
    ),
    "Mozilla Public License 2.0 (MPL 2.0)",
}
# Told by their file of licence, which was read, and not by their metadata.
READ = {"protobuf": "BSD-3-Clause"}

Component = Mapping[str, Any]


class Refused(Exception):
    """Why a list is no good."""


def main() -> None:
    """Write the lists of a folder that holds one wheel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist")
    folder = parser.parse_args().folder
    wheels = sorted(folder.glob("*.whl"))
    try:
        if len(wheels) != 1:
            raise Refused(f"{folder} holds {len(wheels)} wheels, expected 1: tox -e package")
        listed = {name: components(name, wheels[0], folder) for name in LOCKS}
        table = licences(listed)
    except Refused as refused:
        sys.exit(f"sbom: {refused}")
    (folder / "licences.md").write_text(table, "utf-8")
    for name, found in listed.items():
        print(f"sbom-{name}.json: {len(found)} components, each with an allowed licence")


def components(name: str, wheel: Path, folder: Path) -> Sequence[Component]:
    """Install a lock and the wheel, list them into the folder, and see that none is missing."""
    lock = ROOT / "requirements" / f"{name}.txt"
    target = folder / f"sbom-{name}.json"
    with tempfile.TemporaryDirectory(prefix="regression-model-") as far:
        environment = Path(far) / "venv"
        venv.create(environment)
        python = str(environment / "bin" / "python")
        # From outside: the environment then holds what a release needs, and no installer.
        install = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
        require(*install, "--require-hashes", "--requirement", str(lock))
        require(*install, "--no-deps", str(wheel.resolve()))
        listing = (sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible")
        require(*listing, "--output-file", str(target), python)
    found: list[Component] = json.loads(target.read_text("utf-8"))["components"]
    check_complete(target.name, found, lock.read_text("utf-8"))
    return found


def require(*command: str) -> None:
    """Run a command that is quiet unless it fails."""
    ended = run(command)
    if ended.returncode:
        raise Refused(f"{' '.join(command[:5])} failed:\n{ended.stderr.strip()}")


def check_complete(name: str, found: Sequence[Component], lock: str) -> None:
    """Refuse a list that lacks our package, or one that the lock has for every platform."""
    there = {(normal(one["name"]), one.get("version")) for one in found}
    wanted = {
        (normal(pin), version)
        for pin, version in re.findall(r"^([\w.-]+)==([^\s;]+) *\\?$", lock, re.M)
    }
    missing = sorted(f"{pin} {version}" for pin, version in wanted - there)
    if not wanted or NAME not in {pin for pin, _ in there}:
        raise Refused(f"{name} lists nothing that was to be listed: {len(found)} components")
    if missing:
        raise Refused(f"{name} lacks {', '.join(missing)}")


def licences(listed: Mapping[str, Sequence[Component]]) -> str:
    """The licences of all lists as a Markdown table; refused where one is not allowed."""
    rows: dict[tuple[str, str], tuple[str, list[str]]] = {}
    faults = set()
    for name, found in listed.items():
        for one in found:
            licence = licence_of(one)
            if not allowed(licence):
                faults.add(f"{one['name']} {one.get('version')} is under {licence or 'nothing'}")
            key = (normal(one["name"]), one.get("version", ""))
            rows.setdefault(key, (licence, []))[1].append(name)
    if faults:
        raise Refused(f"{'; '.join(sorted(faults))}: read the licence, then see its source")
    cells = [[f"{p} {v}", text, ", ".join(to)] for (p, v), (text, to) in sorted(rows.items())]
    return table(["package", "licence", "installed for"], cells) + "\n"


def licence_of(component: Component) -> str:
    """What a component declares: an SPDX expression where it has one, else all that it names."""
    if component["name"] in READ:
        return READ[component["name"]]
    told = list(_told(component))
    spdx = [text for text, precise in told if precise]
    return " AND ".join(dict.fromkeys(spdx or [text for text, _ in told]))


def _told(component: Component) -> Iterator[tuple[str, bool]]:
    for entry in component.get("licenses", []):
        if "expression" in entry:
            yield entry["expression"], True
        elif "id" in entry["license"]:
            yield entry["license"]["id"], True
        elif "name" in entry["license"]:
            yield entry["license"]["name"].rpartition(" :: ")[2], False


def allowed(licence: str) -> bool:
    """Whether a licence may be used: of alternatives one, of several at once each."""
    if licence in ALLOWED:
        return True
    alternatives = re.split(r" OR ", licence.strip("()"))
    if len(alternatives) > 1 and " AND " not in licence:
        return any(allowed(one) for one in alternatives)
    parts = re.split(r" AND ", licence)
    return len(parts) > 1 and all(allowed(one) for one in parts)


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
