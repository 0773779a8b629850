"""Sums are exact under many writers, and outlive them however they end."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import ml_api
from ml_api.master.counters import MAX_VALUES, SLOT_BYTES, SLOTS, START, Counters, is_shared, share

WORKER = """
import os, signal, sys
from ml_api.master.counters import Counters
counters = Counters(int(sys.argv[1]))
index, seconds = counters.index("hits", way=sys.argv[2]), counters.index("seconds", (1.0, 2.0))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    with counters.lock:
        counters.values[index] += 1
        counters.values[seconds + 1] += 1
        counters.values[seconds + 3] += 1.5
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def shared() -> Iterator[int]:
    descriptor = share()
    yield descriptor
    os.close(descriptor)


def worker(shared: int, way: str, times: int = 1) -> subprocess.Popen[str]:
    """A process that counts once it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(shared), way, str(times)],
        env={**os.environ, "PYTHONPATH": str(Path(ml_api.__file__).parents[1])},
        pass_fds=[shared],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def totals(counters: Counters) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for series in counters.read():
        found[" ".join([series.family, *series.labels.values()])] += sum(series.values)
    return found


def test_what_processes_count_side_by_side_adds_up(shared: int) -> None:
    processes = [worker(shared, "ended", 10_000) for _ in range(3)]
    codes = [end(process) for process in processes]

    reader = Counters(shared)
    assert codes == [0, 0, 0]
    assert totals(reader) == {"hits ended": 30_000, "seconds": 30_000 * 2.5}


def test_a_killed_process_leaves_what_it_counted(shared: int) -> None:
    reader = Counters(shared)

    assert end(worker(shared, "killed", 777)) == -signal.SIGKILL
    assert totals(reader) == {"hits killed": 777, "seconds": 777 * 2.5}


def test_slots_are_as_many_as_processes_at_a_time(shared: int) -> None:
    reader = Counters(shared)
    for _ in range(8):
        assert end(worker(shared, "killed")) == -signal.SIGKILL
    side_by_side = [worker(shared, "ended") for _ in range(2)]

    assert sorted(reader.processes()) == [0, 1, 2]
    assert {pid for pid, _ in reader.processes().values()} == {
        os.getpid(),
        *(process.pid for process in side_by_side),
    }
    assert [end(process) for process in side_by_side] == [0, 0]
    assert list(reader.processes()) == [0]
    assert totals(reader) == {"hits killed": 8, "hits ended": 2, "seconds": 25}


def test_memory_is_bounded_by_the_slots_that_were_used(shared: int) -> None:
    counters = Counters(shared)
    list(counters.read())

    assert os.fstat(shared).st_size == START + SLOTS * SLOT_BYTES
    assert os.fstat(shared).st_blocks * 512 <= START + SLOT_BYTES


def test_threads_lose_nothing() -> None:
    counters = Counters()
    index = counters.index("hits")

    def count() -> None:
        for _ in range(20_000):
            with counters.lock:
                counters.values[index] += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert totals(counters) == {"hits": 80_000}


def test_a_name_has_one_place() -> None:
    counters = Counters()

    places = [counters.index("a", x="1"), counters.index("a", x="2"), counters.index("a", x="1")]

    assert places[0] == places[2] != places[1]
    assert counters.index("b", (0.5, 1.0)) + 4 == counters.index("c")


def test_a_name_too_many_fails_nothing_and_spoils_nothing() -> None:
    counters = Counters()
    for number in range(MAX_VALUES + 50):
        counters.values[counters.index("many", n=str(number))] += 1

    found = list(counters.read())

    assert 0 < len(found) <= MAX_VALUES
    assert all(series.values == [1.0] for series in found)


def test_a_note_is_there_while_its_process_lives(shared: int) -> None:
    reader = Counters(shared)
    other = worker(shared, "ended")
    reader.note({"model": "0.1.0"})

    notes = [note for _, note in reader.processes().values()]

    assert notes == [{"model": "0.1.0"}, {}]
    end(other)
    reader.note({"too": "long" * 1000})
    assert reader.processes() == {0: (os.getpid(), {})}


def test_only_its_own_file_is_taken_for_shared(shared: int) -> None:
    assert is_shared(str(shared))
    with Path(__file__).open() as other:
        descriptors = ["", "x", "-1", "99999999999999999999", "987654", str(other.fileno())]
        assert [is_shared(text) for text in descriptors] == [False] * 6


def test_a_line_half_written_is_not_read(shared: int) -> None:
    counters = Counters(shared)
    counters.values[counters.index("whole")] += 1
    (used,) = struct.unpack("q", os.pread(shared, 8, START))
    os.pwrite(shared, b'["half', START + 512 + used)

    assert totals(counters) == {"whole": 1}
