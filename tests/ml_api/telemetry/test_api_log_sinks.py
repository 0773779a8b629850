"""Lines of the log arrive whole, and whatever keeps them from arriving stops no request."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_text

import ml_api
from ml_api.telemetry import log_sinks as outputs
from ml_api.telemetry.log_sinks import Descriptor

pytestmark = pytest.mark.process

Serve = Callable[..., Any]

PREDICT = "/v1/predict"
JSON = {"Content-Type": "application/json"}

WRITER = """
import sys, time
from ml_api.telemetry.log_sinks import rotating_file
path, name, lines, pause, keep = sys.argv[1:3] + [float(number) for number in sys.argv[3:]]
write = rotating_file(path, when="s", keep=int(keep))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(lines)):
    line = '{"writer":"%s","number":%d,"filling":"%s"}' % (name, number, "x" * (number % 400))
    write(line.encode())
    time.sleep(pause)
"""


# The file that is begun anew


def lines_of(folder: Path, name: str) -> list[dict[str, Any]]:
    files = sorted(folder.glob(f"{name}*"))
    return [json.loads(line) for file in files for line in file.read_text("ascii").splitlines()]


def write_lines(file: Path, names: str, *, lines: int, pause: float, keep: int) -> None:
    """Have a process for each name write so many lines, all of them at the same time."""
    numbers = [str(lines), str(pause), str(keep)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), name, *numbers],
            env={**os.environ, "PYTHONPATH": str(Path(ml_api.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=300)
        assert writer.returncode == 0


def test_four_processes_lose_no_line_while_the_file_is_turned(tmp_path: Path) -> None:
    write_lines(tmp_path / "api.log", "abcd", lines=5000, pause=0.0005, keep=0)

    found = [(line["writer"], line["number"]) for line in lines_of(tmp_path, "api.log")]
    assert len(list(tmp_path.glob("api.log*"))) >= 3
    assert sorted(found) == [(name, number) for name in "abcd" for number in range(5000)]


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    write_lines(tmp_path / "api.log", "a", lines=6, pause=1.05, keep=2)

    assert [line["number"] for line in lines_of(tmp_path, "api.log.")] == [3, 4]
    assert (tmp_path / "api.log").read_text().count("\n") == 1


def test_the_log_of_all_workers_goes_to_the_file(
    serve: Serve, houses: list[dict[str, Any]], tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "api.log"
    log.parent.mkdir()
    settings = {"ML_API_LOG_FILE": str(log), "ML_API_LOG_FILE_WHEN": "s"}
    with serve(WEB_CONCURRENCY="2", **settings) as server:
        until = time.monotonic() + 2.5
        asked = 0
        while time.monotonic() < until:
            body = json.dumps(houses[asked % 50])
            assert server.ask("POST", PREDICT, body=body, headers=JSON)[0] == 200
            asked += 1

    events = [line["event"] for line in lines_of(log.parent, "api.log")]
    assert len(list(log.parent.glob("api.log*"))) >= 3
    assert events.count("predict.input") == events.count("predict.output") == asked
    assert events.count("model.loaded") == 2
    assert server.stdout.read_text() == ""


# Standard output


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "PATIENCE_SECONDS", 0.05)


def fill(write: Callable[[bytes], None], line: bytes) -> int:
    """How many lines go into a pipe that nobody reads."""
    for number in range(100_000):
        try:
            write(line)
        except BlockingIOError:
            return number
    raise AssertionError("the pipe is never full")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("size", [10, 300, 4095, 5000, 200_000])
def test_a_pipe_that_nobody_reads_takes_whole_lines_and_then_none(
    pipe: tuple[int, int], size: int
) -> None:
    reader, writer = pipe
    write = Descriptor(writer)

    taken = fill(write, b"x" * size)
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(BlockingIOError, match=r"nothing can be written|unfinished"):
            write(b"x" * size)
    assert time.monotonic() - start < 30  # a limit against hanging

    got: list[bytes] = []
    drain = threading.Thread(
        target=lambda: got.extend(iter(lambda: os.read(reader, 65536), b"end\n"))
    )
    drain.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            write(b"after")
            break
        except BlockingIOError:
            time.sleep(0.01)
    time.sleep(0.2)
    os.write(writer, b"end\n")
    drain.join(timeout=30)

    lines = b"".join(got).split(b"\n")
    # A line longer than the pipe was begun, so that it had to be ended: it counts as written.
    begun = 1 if size > 65536 else 0
    assert lines == [b"x" * size] * max(taken, begun) + [b"after", b""]


def test_a_slow_reader_loses_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    write = Descriptor(writer)
    got: list[bytes] = []

    def read() -> None:
        while not got or not got[-1].endswith(b"end\n"):
            time.sleep(0.005)
            got.append(os.read(reader, 20_000))

    slow = threading.Thread(target=read)
    slow.start()
    for number in range(2000):
        write(b"%d " % number + b"x" * 500)
    write(b"end")
    slow.join(timeout=60)

    lines = b"".join(got).decode().splitlines()
    assert [line.split(" ")[0] for line in lines] == [*map(str, range(2000)), "end"]


def test_those_who_share_the_pipe_go_on_waiting(pipe: tuple[int, int]) -> None:
    Descriptor(pipe[1])

    assert fcntl.fcntl(pipe[1], fcntl.F_GETFL) & os.O_NONBLOCK == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_log_that_nobody_reads_stops_no_request(
    serve: Serve, houses: list[dict[str, Any]], tmp_path: Path, workers: str
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    body = json.dumps(houses[0])
    with serve(stdout=fifo, WEB_CONCURRENCY=workers) as server:
        deadline = time.monotonic() + 60
        while metric(server, "ml_api_model_loads_total") < int(workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        start = time.monotonic()
        answers = [server.ask("POST", PREDICT, body=body, headers=JSON)[0] for _ in range(600)]
        waited = time.monotonic() - start
        dropped = metric(server, "ml_api_log_lines_dropped_total")
        first = drain(reader)
        server.ask("POST", PREDICT, body=body, headers=JSON)
        lines = [json.loads(line) for line in (first + drain(reader)).splitlines()]

    os.close(reader)
    assert answers == [200] * 600
    assert waited < 60  # a limit against hanging: alone it would wait for ever
    assert dropped > 0
    told = [line["lines"] for line in lines if line["event"] == "log.lines_dropped"]
    written = [line for line in lines if line["event"].startswith("predict.")]
    assert len(told) == 1
    assert told[0] <= dropped
    assert len(written) + dropped == 2 * 601


def drain(reader: int) -> bytes:
    """Everything that is in the pipe."""
    pieces = []
    try:
        while piece := os.read(reader, 65536):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces)


def metric(server: Any, name: str) -> float:
    _, content = server.ask("GET", "/metrics")
    families = read_text(content.decode())
    return sum(s.value for family in families for s in family.samples if s.name == name)


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if made.returncode != 0:
        pytest.skip("only who may mount can make a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("setting", ["stdout", "ML_API_LOG_FILE"])
def test_a_full_disk_stops_no_request(
    serve: Serve, houses: list[dict[str, Any]], small_disk: Path, setting: str, workers: int
) -> None:
    log, other = small_disk / "api.log", small_disk / "other"
    body = json.dumps(houses[0])
    target = {"stdout": log} if setting == "stdout" else {setting: str(log)}
    with serve(WEB_CONCURRENCY=str(workers), **target) as server:
        other.write_bytes(b"x" * 16_384)
        answers = [server.ask("POST", PREDICT, body=body, headers=JSON)[0] for _ in range(200)]
        dropped = metric(server, "ml_api_log_lines_dropped_total")
        other.unlink()
        answers += [server.ask("POST", PREDICT, body=body, headers=JSON)[0] for _ in range(10)]
        stderr = server.stderr.read_text()

    lines = log.read_bytes().split(b"\0")[0].splitlines()
    whole = [json.loads(line) for line in lines if is_json(line)]
    assert answers == [200] * 210
    assert dropped > 0
    assert "Traceback" not in stderr
    assert [line for line in whole if line["event"] == "log.lines_dropped"]
    # The line at which the disk was full is ended later, but another worker may write before.
    assert len(lines) - len(whole) <= 2 * (workers - 1)


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
