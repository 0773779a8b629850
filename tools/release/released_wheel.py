"""The wheel that requirements.txt names, as pip gets it: by its hash, from its index."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.release.package_index import Index, Refused
from tools.release.project import NAME, run


def released_wheel(requirement: str, folder: Path) -> Path:
    """Download the wheel of a line with a hash into ``folder``; Refused where that fails."""
    wanted = folder / "wanted.txt"
    wanted.write_text(re.sub(r"\[\w+\]", "", requirement) + "\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--only-binary", ":all:"]
    command += ["--require-hashes", "--dest", str(folder), "--requirement", str(wanted)]
    ended = run(command, env=Index().pip_environment())
    wheels = [*folder.glob("*.whl")]
    if ended.returncode or len(wheels) != 1:
        raise Refused(f"{NAME} cannot be downloaded: {' '.join(ended.stderr.split())}")
    return wheels[0]
