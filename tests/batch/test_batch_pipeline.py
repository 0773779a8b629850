"""Work is shared among threads, in order, and stops when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from regression_model.batch.pipeline import available_cores, in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    def work(task: int) -> int:
        time.sleep(0.002 * (task % 3))
        return -task

    assert list(in_order(work, range(40), workers=workers)) == [-task for task in range(40)]


def test_few_tasks_are_taken_before_their_results_are() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(1000):
            taken.append(task)
            yield task

    results = in_order(lambda task: task, tasks(), workers=2)
    next(results)

    assert len(taken) <= 6
    results.close()  # type: ignore[attr-defined]


def test_as_many_tasks_are_under_way_as_there_are_workers() -> None:
    together = threading.Barrier(3, timeout=30)

    assert len(list(in_order(lambda _: together.wait(), range(9), workers=3))) == 9


def test_what_a_task_raises_comes_in_its_turn_and_ends_the_others() -> None:
    done: list[int] = []

    def work(task: int) -> int:
        if task == 3:
            raise ValueError("the fourth")
        return task

    results = in_order(work, range(1000), workers=2)
    done.extend(next(results) for _ in range(3))

    with pytest.raises(ValueError, match="the fourth"):
        next(results)
    assert done == [0, 1, 2]
    assert list(results) == []


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
