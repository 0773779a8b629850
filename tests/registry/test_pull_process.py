"""A pull on its own: what is taken for an answer, its limits, and what is said of failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest

from regression_model.errors import RegistryFailed
from regression_model.registry.folder import Pulled
from regression_model.registry.pull_process import presentable, pull_apart
from tools.measuring.local_server import wait_for

TOLD = {"uri": "models:/m@champion", "origin": "models:/m/3", "artifact": "m-1", "changed": True}


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def answering(told: object) -> list[str]:
    return command(f"print({json.dumps(told)!r})")


def nothing() -> None:
    """Nothing happens meanwhile."""


def test_what_was_pulled_is_read() -> None:
    assert pull_apart(answering(TOLD), tick=nothing) == Pulled("models:/m/3", "m-1", changed=True)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('Loading\\nError: no such alias')", "^no such alias$"),
        ("import sys; sys.exit(2)", "ended with exit status 2$"),
        ("print('no JSON')", "did not say what it pulled"),
        ("print('[]')", "did not say what it pulled"),
        ("print('{}')", "did not say what it pulled"),
        ("import os; os.kill(os.getpid(), 9)", "ended with exit status -9$"),
        ("import sys; sys.exit('x' * 100000)", "^x{999}…$"),
    ],
)
def test_anything_else_is_a_failure_with_its_reason(program: str, reason: str) -> None:
    with pytest.raises(RegistryFailed, match=reason):
        pull_apart(command(program), tick=nothing)


def test_a_command_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(RegistryFailed, match=r"could not be started: .*No such file"):
        pull_apart(["/no/such/command"], tick=nothing)


HANGS = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""


def test_a_pull_would_end_without_the_process_that_waits_for_it() -> None:
    alarmed = "import json, signal; print(json.dumps({'origin': signal.alarm(0), 'artifact': '', 'changed': True}))"

    assert pull_apart(command(alarmed), tick=nothing, limit=3).origin in {"8", "7"}


def family(written: Path) -> list[psutil.Process]:
    return [psutil.Process(int(pid)) for pid in written.read_text().split()]


def test_a_pull_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    hanging: list[psutil.Process] = []
    written = tmp_path / "pids"

    def tick() -> None:
        if not hanging and written.exists() and written.read_text().endswith("\n"):
            hanging.extend(family(written))

    with pytest.raises(RegistryFailed, match=r"^the registry did not answer in 3 seconds$"):
        pull_apart([*command(HANGS), str(written)], tick=tick, limit=3)

    assert len(hanging) == 2
    wait_for(lambda: not any(process.is_running() for process in hanging))


class Ended(Exception):
    """There is nobody left to pull for."""


def test_a_pull_ends_with_whoever_waits_for_it(tmp_path: Path) -> None:
    hanging: list[psutil.Process] = []
    written = tmp_path / "pids"

    def tick() -> None:
        if written.exists() and written.read_text().endswith("\n"):
            hanging.extend(family(written))
            raise Ended

    with pytest.raises(Ended, match=r"^$"):
        pull_apart([*command(HANGS), str(written)], tick=tick)

    wait_for(lambda: not any(process.is_running() for process in hanging))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@db/models is down", "postgresql://***@db/models is down"),
        ("http://me:a/b@c@host:5000 is down", "http://***@host:5000 is down"),
        ("refused: t0ken", "refused: ***"),
        ("password hidden was sent", "password *** was sent"),
        ("<Connection object at 0x7f2dc510f560>: refused", "<Connection object at 0x…>: refused"),
    ],
)
def test_reasons_hold_no_password_and_no_address_in_memory(text: str, shown: str) -> None:
    secrets = {"MLFLOW_TRACKING_PASSWORD": "hidden", "MLFLOW_TRACKING_TOKEN": "t0ken"}

    assert presentable(text, secrets) == shown
