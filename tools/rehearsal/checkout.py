"""A clone of the project in which a release is made, by the commands that CI runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from tools.release.package_index import Refused
from tools.release.wheel_model import golden_houses

OURS = ("TOX", "PYTHON", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV")
IDENTITY = {
    f"GIT_{role}_{what}": "rehearsal"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
TAIL = 30  # lines of the log that are shown where a step fails


class Release(NamedTuple):
    """What a release left: its commit, what was built, the model in it, the differential report."""

    version: str
    revision: str
    wheel: Path
    sdist: Path
    artifact: Path
    differential: Path

    def golden(self) -> list[dict[str, Any]]:
        """The golden houses of the wheel's model."""
        return golden_houses(self.wheel)[1]

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the wheel, the sdist and every file of the artifact."""
        files = {path.name: path for path in (self.wheel, self.sdist)}
        inside = sorted(path for path in self.artifact.rglob("*") if path.is_file())
        files |= {f"{path.parent.name}/{path.name}": path for path in inside}
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


class Checkout:
    """A clone, the environments of its tox, and what its commands see besides (``settings``)."""

    def __init__(self, folder: Path, environments: Path, log: Path) -> None:
        self.folder, self.environments, self.log = folder, environments, log
        self.settings: dict[str, str] = {}

    @classmethod
    def clone(cls, source: Path, folder: Path, environments: Path, *, log: Path) -> Checkout:
        """A clone of what is committed in ``source``."""
        subprocess.run(["git", "clone", "--quiet", str(source), str(folder)], check=True)
        return cls(folder, environments, log)

    def tox(self, *arguments: str) -> str:
        """What tox prints; Refused where it fails. The step is shown with what it took."""
        step = f"tox {' '.join(arguments)}".replace(str(self.folder.parent), "...")
        print(f"- {step}", end="", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", "tox", "--workdir", str(self.environments), *arguments]
        output = self.run(command, step)
        print(f" ({time.monotonic() - began:.0f} s)", flush=True)
        return output

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text that a file has once."""
        path = self.folder / name
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise Refused(f"{name} has {old.strip()!r} {text.count(old)} times, expected 1")
        path.write_text(text.replace(old, new), "utf-8")
        print(f"- {name}: {old.strip()} -> {new.strip()}", flush=True)
        self.commit(f"Change {old.strip()} to {new.strip()}")

    def commit(self, message: str) -> None:
        """Commit every change."""
        self.run(["git", "commit", "--quiet", "--all", "--message", message], message)

    def package(self, version: str, data: Path | None) -> Release:
        """Train and build what is committed, at the time of the commit."""
        revision = self.run(["git", "rev-parse", "HEAD"], "git rev-parse").strip()
        committed = self.run(["git", "show", "--no-patch", "--format=%ct"], "git show").strip()
        self.settings["SOURCE_DATE_EPOCH"] = committed
        self.tox("-e", "package", *(() if data is None else ("--", "--data", str(data))))
        kept = self.folder.parent / f"{self.folder.name}-{version}"
        shutil.copytree(self.folder / "dist", kept / "dist")
        shutil.copytree(self.folder / "regression_model" / "artifacts", kept / "artifacts")
        (wheel,), (sdist,) = (kept / "dist").glob("*.whl"), (kept / "dist").glob("*.tar.gz")
        return Release(version, revision, wheel, sdist, kept / "artifacts", kept / "diff.md")

    def run(self, command: list[str], step: str) -> str:
        """What a command prints, which is logged as ``step``; Refused where it fails."""
        lent = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env={**lent, **IDENTITY, "OMP_NUM_THREADS": "1", **self.settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {step}\n{ended.stdout}\n")
        if ended.returncode:
            tail = "\n".join(ended.stdout.splitlines()[-TAIL:])
            raise Refused(f"{step} ended with {ended.returncode}:\n{tail}")
        return ended.stdout
