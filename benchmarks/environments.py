"""One environment for each server: made once, reused, with this checkout in it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from benchmarks.peers import Server
from tools.release.project import ROOT, run

CONSTRAINTS = ROOT / "requirements" / "constraints.txt"
# The pipeline must do the same work everywhere; peers bring all else that they need.
SAME = ("joblib", "numpy", "pandas", "scikit-learn", "scipy")

DIGITS = 8  # of the hash in the name of an environment


class EnvironmentFailed(Exception):
    """An environment could not be made; the text is what pip said."""


def environment(name: str, server: Server, cache: Path) -> Path:
    """The Python of the server's own environment, a folder of ``cache``.

    The checkout is installed editable, so that an environment is made anew only where what it
    asks for changes. Raises :class:`EnvironmentFailed`.
    """
    constraints, pins = _versions(name, server)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [sys.version, f"{project}", server.extras, constraints]
    asked += [pin.read_text("utf-8") for pin in pins]
    digest = hashlib.sha256("\0".join(asked).encode()).hexdigest()[:DIGITS]
    folder = cache / f"{name}-{digest}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists():
        return python
    remove_stale(cache, name)
    _run(sys.executable, "-m", "venv", str(folder))
    limits = folder / "constraints.txt"
    limits.write_text(constraints, "utf-8")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    others = [part for pin in pins for part in ("-r", str(pin))]
    _run(*pip, "install", "-c", str(limits), "-e", f"{ROOT}[{server.extras}]", *others)
    complete.touch()
    return python


def remove_stale(cache: Path, name: str) -> None:
    """Remove older environments of a server; ``cache`` may hold other things, which stay."""
    for stale in cache.glob(f"{name}-{'[0-9a-f]' * DIGITS}"):
        if (stale / "pyvenv.cfg").is_file():
            shutil.rmtree(stale)


def version_of(distribution: str, python: Path) -> str:
    """The version of a distribution in an environment."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return _run(str(python), "-c", code, distribution).strip()


def _versions(name: str, server: Server) -> tuple[str, list[Path]]:
    """The versions of what all servers share, and the files of what only this one has."""
    tested = CONSTRAINTS.read_text("utf-8")
    if not server.pinned:
        return tested, []
    same = [line for line in tested.splitlines() if line.partition("==")[0].lower() in SAME]
    return "\n".join(same), [Path(__file__).parent / "peers" / f"{name}.txt"]


def _run(*command: str) -> str:
    done = run(command)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing"]
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:]
        raise EnvironmentFailed(errors[0].removeprefix("ERROR: ").strip())
    return done.stdout
