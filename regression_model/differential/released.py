"""Models in released wheels: fetched from the package index, not installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from regression_model.errors import ReleaseUnavailable
from regression_model.version import DISTRIBUTION
from regression_model.wheels import is_wheel, unpack_model

LAST = "released"

_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)*")
_FAILED = re.compile(r"Could not fetch URL (\S+): (.+?)(?: - skipping)?$", re.MULTILINE)
_NOT_THERE = "404 Client Error"
_TIMEOUT_SECONDS = 600  # seconds; a limit against hanging


def artifact_path(named: str, folder: Path) -> Path | None:
    """Return the path of the artifact ``named``; None if the last release does not exist.

    It is a folder, a wheel, a released version such as ``0.1.0``, or ``released`` for the newest
    one. A release is downloaded into ``folder`` with pip, from where pip is set to look; nothing of
    it is run. Raises :class:`ReleaseUnavailable`, also where the index cannot be asked: that is no
    answer; and :class:`ArtifactError` where a wheel holds no model of this package.
    """
    if is_wheel(Path(named)):
        return unpack_model(Path(named), folder)
    if Path(named).exists():
        return Path(named)
    if named != LAST and not _VERSION.fullmatch(named):
        raise ReleaseUnavailable(
            f"{named} is neither a folder nor a version; give the folder of an artifact, a "
            f"wheel, a released version such as 0.1.0, or '{LAST}' for the newest one"
        )
    wheel = _downloaded("" if named == LAST else named, folder)
    return None if wheel is None else unpack_model(wheel, folder / "unpacked")


def _downloaded(version: str, folder: Path) -> Path | None:
    """Return the wheel of ``version`` or of the newest one; None without a release."""
    wanted = f"{DISTRIBUTION}=={version}" if version else DISTRIBUTION
    said = _pip_download(wanted, folder)
    wheel = next(folder.glob("*.whl"), None)
    if wheel is not None:
        return wheel
    failures = [f"{url}: {why}" for url, why in _FAILED.findall(said) if _NOT_THERE not in why]
    if failures or "No matching distribution found" not in said:
        reason = failures[0] if failures else _last_error(said)
        raise ReleaseUnavailable(
            f"the package index cannot be asked for {wanted}: {reason}. This says nothing of "
            "what is released: try again, or name the folder of an artifact"
        )
    if not version:
        return None
    raise ReleaseUnavailable(
        f"the package index has no wheel of {wanted}; see which there are with: "
        f"pip index versions {DISTRIBUTION}"
    )


def _pip_download(wanted: str, folder: Path) -> str:
    """Return pip's output; only with -vv it says why a page could not be fetched."""
    command = [sys.executable, "-m", "pip", "download", "-vv", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--only-binary", ":all:"]
    command += ["--dest", str(folder), wanted]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"ERROR: no answer within {_TIMEOUT_SECONDS} seconds"
    return ended.stdout + ended.stderr


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip said nothing"])[-1]
