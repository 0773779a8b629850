"""The process that follows stands for its service: signals, exit codes, one reload at a time."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import pytest

from reliability.service import gunicorn, running
from tools.measuring.local_server import wait_for

Start = Callable[..., Popen[str]]

# Notes its environment, then each signal that it gets.
LISTENER = """
import os, signal, sys, time
log = open(sys.argv[1], "a", buffering=1)
for number in map(int, sys.argv[2:]):
    signal.signal(number, lambda got, frame: print(got, file=log))
print(os.environ["REGRESSION_MODEL_ARTIFACT"], file=log)
while True:
    time.sleep(0.1)
"""
ENDS = "import sys, time; time.sleep(1); sys.exit(7)"
DIES = "import os, signal, time; time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)"


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_the_service_is_told_the_folder_and_gets_every_signal(
    start: Start, registry: Any, tmp_path: Path
) -> None:
    registry.promote(3)
    sent = [
        *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH),
        *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
    ]
    noted = tmp_path / "noted"
    following = start(LISTENER, noted, *map(int, sent))
    wait_for(lambda: lines(noted))

    for count, number in enumerate(sent, start=2):
        following.send_signal(number)
        wait_for(lambda count=count: len(lines(noted)) == count)

    assert lines(noted) == [str(registry.pulled), *(str(int(number)) for number in sent)]
    assert following.poll() is None  # it is the service that ends


@pytest.mark.parametrize(("program", "code"), [(ENDS, 7), (DIES, 128 + 9)])
def test_it_ends_with_the_exit_code_of_the_service(
    start: Start, registry: Any, program: str, code: int
) -> None:
    registry.promote(3)

    assert start(program).wait(timeout=60) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_a_signal_ends_gives_its_number(
    start: Start, registry: Any, tmp_path: Path, number: signal.Signals
) -> None:
    registry.promote(3)
    noted = tmp_path / "noted"
    following = start(
        f"import signal; signal.signal({int(number)}, signal.SIG_DFL)\n{LISTENER}", noted
    )
    wait_for(lambda: lines(noted))
    following.send_signal(number)

    assert following.wait(timeout=60) == 128 + number


def test_a_service_that_ends_while_a_pull_hangs_is_not_waited_for(
    start: Start, registry: Any
) -> None:
    registry.promote(3)
    following = start(
        "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(.1)",
        registry.folder / "hanging",
    )
    wait_for(lambda: registry.asked())
    wait_for(lambda: (registry.pulled / "CURRENT").exists())
    (registry.folder / "hang").touch()

    assert following.wait(timeout=30) == 0
    for pid in (registry.folder / "hanging").read_text().split():
        wait_for(lambda pid=pid: not psutil.pid_exists(int(pid)))


def test_an_end_that_is_asked_for_during_the_first_pull_starts_nothing(
    start: Start, registry: Any, tmp_path: Path
) -> None:
    registry.promote(3)
    (registry.folder / "hang").touch()
    following = start(LISTENER, tmp_path / "noted")
    wait_for(lambda: (registry.folder / "hanging").exists())
    following.terminate()

    assert following.wait(timeout=30) == 128 + signal.SIGTERM
    assert not (tmp_path / "noted").exists()
    for pid in (registry.folder / "hanging").read_text().split():
        wait_for(lambda pid=pid: not psutil.pid_exists(int(pid)))


# Takes a second to start a worker, and notes when workers are begun, are ready, and are reloaded.
SLOW_SERVICE = """
import os, time
bind = f"127.0.0.1:{os.environ['PORT']}"
control_socket_disable = True
def note(what):
    with open("noted", "a") as log:
        log.write(f"{what}\\n")
def on_reload(server):
    note("reload")
def post_worker_init(worker):
    time.sleep(1)
    note("ready")
"""
APP = """
def app(environ, start):
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def test_a_reload_waits_for_the_one_before(
    following: Any, settings: dict[str, str], registry: Any, tmp_path: Path
) -> None:
    registry.promote(3)
    config = tmp_path / "slow.py"
    config.write_text(SLOW_SERVICE)
    (tmp_path / "app.py").write_text(APP)
    command = [*following(), *gunicorn(config)[:-1], "app:app"]
    with running(None, tmp_path, command=command, **settings) as server:
        for version in (4, 5):
            server.process.send_signal(signal.SIGHUP)
            registry.promote(version)
            server.wait_until(
                lambda version=version: server.log("model.pulled")[-1]["origin"].endswith(
                    str(version)
                )
            )
        server.process.send_signal(signal.SIGHUP)
        noted = tmp_path / "noted"
        server.wait_until(lambda: lines(noted).count("reload") >= 3)
        seen = lines(noted)

    assert seen == ["ready", *["reload", "ready"] * len(seen)][: len(seen)]
