"""Asks a registry for its model, again and again, beside the workers that serve it.

    python registry_watcher.py MASTER SERVED COMMAND...

``COMMAND URI --output FOLDER --json`` puts the version that ``ML_API_MODEL_URI`` names in force in
``REGRESSION_MODEL_ARTIFACT``. Where that is another than the workers were started with (SERVED),
the process MASTER gets SIGHUP. Standard input is a pipe of that process: when it ends, or holds
anything, so does this.

Only the standard library is imported here, and MLflow is not: it takes a process 100 MB, and a
second each time. The service's settings and its outputs of the log are run, not imported, since
their package would bring Flask along.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

LIMIT = 60.0  # seconds that a pull may take
FIRST_RETRY = 2.0  # seconds; doubled with each failure, up to the interval of polls
LONGEST_RETRY = 60.0  # where there are no polls
TICK = 1.0  # seconds in which a master is missed that left its pipe to others
PAUSE = 0.1  # the same while something is being pulled
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")

Say = Callable[..., None]


class PullFailed(Exception):
    """Why the registry's model was not pulled; the text may be logged."""


class MasterGone(Exception):
    """There is nobody left to watch for."""


class Watcher:
    """Pulls at once and every ``poll`` seconds (0: once), sooner where it failed.

    ``served`` is the version that workers have; ``say(level, event, **fields)`` logs a line.
    """

    def __init__(
        self, master: int, served: str, command: Sequence[str], *, poll: int, say: Say
    ) -> None:
        self._master, self._served, self._command = master, served, command
        self._poll = poll
        self._say = say
        self._failures: list[str] = []

    def run(self) -> NoReturn:
        """Watch until the master is gone: raises :class:`MasterGone`."""
        while True:
            until = time.monotonic() + self._ask()
            while (left := until - time.monotonic()) > 0:
                self.stay(min(left, TICK))

    def _ask(self) -> float:
        """Pull, tell who is concerned, and return the seconds until the next time."""
        try:
            origin, artifact = pull(self._command, tick=self.stay)
        except PullFailed as error:
            return self._failed(str(error))
        if self._failures:
            self._say("info", "model.pull_recovered", failures=len(self._failures))
            self._failures.clear()
        if f"{origin} {artifact}" != self._served:
            self._served = f"{origin} {artifact}"
            self._say("info", "model.pulled", origin=origin, artifact=artifact)
            self.stay(0)
            os.kill(self._master, signal.SIGHUP)
        return self._poll or float("inf")

    def _failed(self, reason: str) -> float:
        if reason not in self._failures:  # its repetitions are no news
            self._say("error", "model.pull_failed", reason=reason)
        self._failures.append(reason)
        del self._failures[:-1000]
        doublings = min(len(self._failures) - 1, 10)
        return min(FIRST_RETRY * 2.0**doublings, self._poll or LONGEST_RETRY)

    def stay(self, seconds: float) -> None:
        """Let so many seconds pass; raises :class:`MasterGone` as soon as it is."""
        ended, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
        if ended or os.getppid() != self._master:
            raise MasterGone


def pull(
    command: Sequence[str], *, tick: Callable[[float], None], limit: float = LIMIT
) -> tuple[str, str]:
    """Run ``command``: origin and artifact that it put in force; raises :class:`PullFailed`.

    Whatever it started is killed when it takes longer than ``limit``, or when ``tick``, which is
    called from time to time, raises.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # It survives exec: were this process killed, there would be nobody to end that one.
            preexec_fn=lambda: signal.alarm(int(limit) + 5),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PullFailed(f"the pull could not be started: {error}") from error
    try:
        output, errors = _outputs(process, time.monotonic() + limit, tick)
    except TimeoutError:
        raise PullFailed(f"the registry did not answer in {limit:.0f} seconds") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()
    return _answer(process.returncode, output, errors)


def _outputs(
    process: subprocess.Popen[bytes], deadline: float, tick: Callable[[float], None]
) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=min(PAUSE, max(0.0, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            tick(0)


def _answer(status: int, output: bytes, errors: bytes) -> tuple[str, str]:
    if status:
        said = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise PullFailed(presentable(said.removeprefix("Error: ")) or f"exit status {status}")
    try:
        told = json.loads(output)
        return str(told["origin"]), str(told["artifact"])
    except (ValueError, KeyError, TypeError):
        raise PullFailed("the pull did not say what it put in force") from None


def presentable(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """A reason without passwords, nor what differs from one time to the next."""
    for secret in filter(None, map(environ.get, SECRETS)):
        text = text.replace(secret, "***")
    text = re.sub(r"//\S*@", "//***@", text)
    return re.sub(r"\b0x[0-9a-fA-F]+", "0x…", text)


def log_to(settings: Any, levels: Sequence[str], outputs: Mapping[str, Any]) -> Say:
    """What writes lines like those of the workers, to where theirs go."""
    if settings.ML_API_LOG_FILE is None:
        write = outputs["Descriptor"](1)
    else:
        write = outputs["rotating_file"](
            settings.ML_API_LOG_FILE,
            when=settings.ML_API_LOG_FILE_WHEN,
            keep=settings.ML_API_LOG_FILE_KEEP,
        )
    written = levels[levels.index(settings.ML_API_LOG_LEVEL) :]

    def say(level: str, event: str, **fields: object) -> None:
        now = datetime.now(UTC).isoformat()
        line = {"timestamp": now, "level": level.upper(), "event": event, **fields}
        if level in written:
            with suppress(OSError):  # a full disk, nobody who reads
                write(json.dumps(line).encode())

    return say


def main(master: str, served: str, *command: str) -> None:
    """Watch for the master of this number until it is gone."""
    here = Path(__file__).parent
    config = runpy.run_path(str(here.parent / "config.py"))
    settings = config["from_environment"]()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # and end what is being pulled
    with suppress(OSError):
        os.nice(10)  # prices come first
    target = (settings.ML_API_MODEL_URI, "--output", settings.REGRESSION_MODEL_ARTIFACT, "--json")
    say = log_to(
        settings,
        config["LOG_LEVELS"],
        runpy.run_path(str(here.parent / "telemetry" / "log_sinks.py")),
    )
    poll = settings.ML_API_MODEL_POLL_SECONDS
    watcher = Watcher(int(master), served, [*command, *target], poll=poll, say=say)
    with suppress(MasterGone):
        watcher.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
