"""Ask for known vulnerabilities of what the service is installed with: ``tox -e audit``.

Each lock of the service, ``requirements/serving.txt`` and the one for a model out of a registry, is
installed by hash into a new environment, and pip-audit asks an advisory service for each package
that is then there. It fails where one is vulnerable, and where one was not asked for: pip-audit
alone ends well after it skipped everything. The service is PyPI, or the one that
``PIP_AUDIT_VULNERABILITY_SERVICE`` and ``PIP_AUDIT_OSV_URL`` name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import venv
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tools.release.project import ROOT, run

LOCKS = [ROOT / "requirements" / f"{name}.txt" for name in ("serving", "serving-registry")]

Report = Mapping[str, Any]


class Refused(Exception):
    """Why what is installed does not pass."""


def main() -> None:
    """Install locks, audit them, and see that nothing was left out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lock", type=Path, nargs="*", default=LOCKS)
    for lock in parser.parse_args().lock:
        try:
            packages = audit_lock(lock)
        except Refused as refused:
            sys.exit(f"audit: {refused}")
        print(f"audit: {packages} packages of {lock.name} audited, none is known as vulnerable")


def audit_lock(lock: Path) -> int:
    """How many packages of a lock were audited and found sound. Raises :class:`Refused`."""
    with tempfile.TemporaryDirectory(prefix="regression-model-") as folder:
        packages = install(lock, Path(folder) / "venv")
        installed = {
            named(each.metadata["Name"], each.version)
            for each in distributions(path=[str(packages)])
        }
        check(installed, audit(packages))
    return len(installed)


def install(lock: Path, environment: Path) -> Path:
    """Install a lock by hash, and nothing else, not even pip; the folder of its packages."""
    venv.create(environment)
    python = str(environment / "bin" / "python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    ended = run([*command, "--require-hashes", "--requirement", str(lock)])
    if ended.returncode:
        raise Refused(f"{lock.name} could not be installed:\n{ended.stderr.strip()}")
    (packages,) = environment.glob("lib/python*/site-packages")
    return packages


def audit(packages: Path) -> Report:
    """What pip-audit reports of a folder of packages. Refused where it reports nothing."""
    options = ["--strict", "--format", "json", "--progress-spinner", "off", "--desc", "off"]
    ended = run([sys.executable, "-m", "pip_audit", *options, "--path", str(packages)])
    try:
        report: Report = json.loads(ended.stdout)
    except ValueError:
        raise Refused(f"pip-audit did not report:\n{ended.stderr.strip()[-2000:]}") from None
    return report


def check(installed: set[str], report: Report) -> None:
    """Refuse a report that names a vulnerability, or lacks a package that is installed."""
    told = report["dependencies"]
    asked = {named(one["name"], one["version"]) for one in told if "vulns" in one}
    if not installed:
        raise Refused("nothing was installed, so there was nothing to audit")
    if missing := sorted(installed - asked):
        reasons = {one["skip_reason"] for one in told if "skip_reason" in one}
        raise Refused(
            f"{len(asked)} of {len(installed)} installed packages were audited; not "
            f"{', '.join(missing)}. {' '.join(sorted(reasons))}".rstrip()
        )
    if found := [
        f"{one['name']} {one['version']}: {_ids(one['vulns'])}" for one in told if one["vulns"]
    ]:
        raise Refused(f"known as vulnerable: {'; '.join(found)}")


def named(name: str, version: str) -> str:
    """A package as both lists write it."""
    return f"{re.sub(r'[-_.]+', '-', name).lower()} {version}"


def _ids(vulnerabilities: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{one['id']} (fixed in {', '.join(one['fix_versions']) or 'no version'})"
        for one in vulnerabilities
    )


if __name__ == "__main__":
    main()
