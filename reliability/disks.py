"""Disks are full or read-only while the service runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reliability.saving import small_disk
from reliability.scenario import Measured, Skipped, Trial, scenario
from reliability.service import Service

FULL = Path("/dev/full")
# A namespace of its own in which the root is read-only, and stays so for all processes in it.
READ_ONLY = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
REMOUNT = 'mount -o remount,bind,ro / && ! touch "$0" 2>/dev/null && exec "$@"'


@scenario(
    "chaos",
    fault="the disk of the log (standard output) is full",
    promise="all requests answered, exit code 0",
    full=5_000,
    short=200,
)
def full_log_disk(trial: Trial) -> Measured:
    """Write the log to a device that is always full."""
    if not FULL.exists():
        raise Skipped(f"there is no {FULL}")
    with trial.serve(stdout=FULL) as service:
        return _all_answered(trial, service)


@scenario(
    "chaos",
    fault="the disk of temporary files and of the last good model is full",
    promise="all requests answered, the log says that no copy was kept, exit code 0",
    full=5_000,
    short=200,
)
def full_temporary_disk(trial: Trial) -> Measured:
    """Run in a file system without a free byte."""
    with small_disk(trial.folder / "disk", 64 * 1024) as disk:
        (disk / "ballast").write_bytes(b"\0" * _free(disk))
        last_good = str(disk / "last-good")
        with trial.serve(cwd=disk, TMPDIR=str(disk), ML_API_LAST_GOOD=last_good) as service:
            measured = _all_answered(trial, service)
        told = len(service.log("model.not_kept"))
    faults = [] if told == 1 else [f"model.not_kept is in the log {told} times"]
    return Measured(measured.figure, measured.faults + faults, measured.values)


@scenario(
    "chaos",
    fault="the root file system is read-only, with memory at /dev/shm",
    promise="starts, all requests answered, exit code 0",
    full=5_000,
    short=200,
)
def read_only_root(trial: Trial) -> Measured:
    """Run where nothing but ``/dev/shm`` can be written to."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skipped("root is remounted by root on Linux")
    probe = [*READ_ONLY, REMOUNT, str(trial.folder / "probe")]
    if (done := subprocess.run([*probe, "true"], capture_output=True, text=True)).returncode:
        raise Skipped(f"root cannot be remounted here: {done.stderr.strip()}")
    with trial.serve(within=probe) as service:
        return _all_answered(trial, service)


def _all_answered(trial: Trial, service: Service) -> Measured:
    """Ask ``count`` times, stop the service, and see that it did not stumble."""
    answers = trial.ask(service)
    code = service.stop()
    faults = answers.faults()
    faults += [f"exit code {code}"] if code else []
    faults += ["a traceback was written"] if "Traceback" in service.stderr.read_text() else []
    return Measured(
        f"{answers}, exit code {code}",
        faults,
        answers.figures(),
    )


def _free(disk: Path) -> int:
    return shutil.disk_usage(disk).free
