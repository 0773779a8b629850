"""The watcher of a registry on its own: what it takes for an answer, and what it says of failures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml_api.config import LOG_LEVELS, TestingConfig
from ml_api.master.registry import in_force
from ml_api.master.registry_watcher import (
    MasterGone,
    PullFailed,
    Watcher,
    log_to,
    presentable,
    pull,
)
from regression_model.artifact import open_artifact
from regression_model.artifact_folders import copy_artifact
from tools.measuring.local_server import wait_for

TOLD = {"uri": "models:/m@champion", "origin": "models:/m/3", "artifact": "m-1", "changed": True}


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def answering(told: object) -> list[str]:
    return command(f"print({json.dumps(told)!r})")


def ticking(seconds: float) -> None:
    """Nothing happens meanwhile."""


def test_what_was_put_in_force_is_read() -> None:
    assert pull(answering(TOLD), tick=ticking) == ("models:/m/3", "m-1")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('Loading\\nError: no such alias')", "^no such alias$"),
        ("import sys; sys.exit(2)", "^exit status 2$"),
        ("print('no JSON')", "did not say what it put in force"),
        ("print('[]')", "did not say what it put in force"),
        ("print('{}')", "did not say what it put in force"),
        ("import os; os.kill(os.getpid(), 9)", "^exit status -9$"),
    ],
)
def test_anything_else_is_a_failure_with_its_reason(program: str, reason: str) -> None:
    with pytest.raises(PullFailed, match=reason):
        pull(command(program), tick=ticking)


def test_a_command_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(PullFailed, match=r"could not be started: .*No such file"):
        pull(["/no/such/command"], tick=ticking)


HANGS = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""


def test_a_pull_would_end_without_its_watcher() -> None:
    alarmed = "import json, signal; print(json.dumps({'origin': signal.alarm(0), 'artifact': ''}))"

    assert pull(command(alarmed), tick=ticking, limit=3) in {("8", ""), ("7", "")}


def family(written: Path) -> list[psutil.Process]:
    return [psutil.Process(int(pid)) for pid in written.read_text().split()]


def test_a_pull_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    hanging: list[psutil.Process] = []
    written = tmp_path / "pids"

    def tick(seconds: float) -> None:
        if not hanging and written.exists() and written.read_text().endswith("\n"):
            hanging.extend(family(written))

    with pytest.raises(PullFailed, match=r"^the registry did not answer in 3 seconds$"):
        pull([*command(HANGS), str(written)], tick=tick, limit=3)

    assert len(hanging) == 2
    wait_for(lambda: not any(process.is_running() for process in hanging))


def test_a_pull_ends_with_its_master(tmp_path: Path) -> None:
    hanging: list[psutil.Process] = []
    written = tmp_path / "pids"

    def tick(seconds: float) -> None:
        if written.exists() and written.read_text().endswith("\n"):
            hanging.extend(family(written))
            raise MasterGone

    with pytest.raises(MasterGone, match=r"^$"):
        pull([*command(HANGS), str(written)], tick=tick)

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


Line = tuple[str, str, dict[str, Any]]


@pytest.fixture
def watcher(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Watcher, list[Line], list[int]]]:
    """A watcher whose pulls come to what is given, what it logs, and the processes it signals."""

    def make(*outcomes: object, served: str = "", poll: int = 60) -> Any:
        left = list(outcomes)
        lines: list[Line] = []
        signalled: list[int] = []

        def pulled(command: object, *, tick: object) -> object:
            outcome = left.pop(0)
            if isinstance(outcome, str):
                raise PullFailed(outcome)
            return outcome

        def say(level: str, event: str, **fields: object) -> None:
            lines.append((level, event, fields))

        monkeypatch.setattr("ml_api.master.registry_watcher.pull", pulled)
        monkeypatch.setattr(os, "kill", lambda pid, signal: signalled.append(pid))
        monkeypatch.setattr(Watcher, "stay", lambda self, seconds: None)
        return Watcher(1234, served, [], poll=poll, say=say), lines, signalled

    return make


A, B = ("models:/m/1", "m-1"), ("models:/m/2", "m-2")


def test_the_master_is_told_of_what_its_workers_do_not_have(watcher: Any) -> None:
    it, lines, signalled = watcher(A, B, B, A, served=" ".join(A))

    assert [it._ask() for _ in range(4)] == [60] * 4
    told = [fields["origin"] for _, event, fields in lines if event == "model.pulled"]
    assert told == ["models:/m/2", "models:/m/1"]
    assert signalled == [1234, 1234]


def test_a_reason_is_told_once_until_it_has_recovered(watcher: Any) -> None:
    it, lines, _ = watcher("down", "down", "odd", "down", A, "down", served=" ".join(A))
    for _ in range(6):
        it._ask()

    assert [(level, event) for level, event, _ in lines] == [
        ("error", "model.pull_failed"),
        ("error", "model.pull_failed"),
        ("info", "model.pull_recovered"),
        ("error", "model.pull_failed"),
    ]
    assert [fields.get("reason") for _, _, fields in lines] == ["down", "odd", None, "down"]


@pytest.mark.parametrize(
    ("poll", "pauses"),
    [
        (60, [2, 4, 8, 16, 32, 60, 60]),
        (3600, [2, 4, 8, 16, 32, 64, 128]),
        (5, [2, 4, 5, 5, 5, 5, 5]),
        (1, [1] * 7),
        (0, [2, 4, 8, 16, 32, 60, 60]),
    ],
)
def test_failures_are_retried_soon_then_as_often_as_polls(
    watcher: Any, poll: int, pauses: list[float]
) -> None:
    it, _, _ = watcher(*["down"] * 7, poll=poll)

    assert [it._ask() for _ in range(7)] == pauses


def test_without_polls_a_success_is_the_last(watcher: Any) -> None:
    assert watcher(A, poll=0)[0]._ask() == float("inf")


def test_a_version_in_force_is_named_as_a_pull_names_it(artifact: Path, tmp_path: Path) -> None:
    assert in_force(tmp_path) == ""
    copied = copy_artifact(open_artifact(artifact), tmp_path, origin="models:/m/3")

    assert in_force(tmp_path) == f"models:/m/3 {copied.name}"


@pytest.mark.parametrize("file", [None, "api.log"])
@pytest.mark.parametrize(
    ("level", "events"), [("info", ["pulled", "pull_failed"]), ("error", ["pull_failed"])]
)
def test_its_lines_go_where_those_of_the_workers_go(
    file: str | None, level: str, events: list[str]
) -> None:
    settings = TestingConfig(
        {"ML_API_LOG_LEVEL": level, **({"ML_API_LOG_FILE": file} if file else {})}
    )
    written: dict[object, list[bytes]] = {1: [], "api.log": []}
    outputs = {
        "Descriptor": lambda descriptor: written[descriptor].append,
        "rotating_file": lambda path, *, when, keep: written[path].append,
    }
    say = log_to(settings, LOG_LEVELS, outputs)
    say("info", "model.pulled", origin="models:/m/3")
    say("error", "model.pull_failed", reason="häßlich")

    lines = [json.loads(line) for line in written[file or 1]]
    assert [line["event"] for line in lines] == [f"model.{event}" for event in events]
    assert list(lines[-1]) == ["timestamp", "level", "event", "reason"]
    assert (lines[-1]["level"], lines[-1]["reason"]) == ("ERROR", "häßlich")
