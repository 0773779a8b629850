"""Parts of a table through all cores at once, and out again in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_WAITING_PER_WORKER = 2


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int
) -> Iterator[Result]:
    """``work(task)`` for each task, by threads, in the order of ``tasks``.

    Threads, because Arrow, NumPy and ONNX Runtime let go of the interpreter while they work. So
    few tasks are under way that memory does not grow with the table. What a task raises is raised
    in its turn; tasks that have not started are then dropped.
    """
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="valuing") as pool:
        try:
            for task in tasks:
                under_way.append(pool.submit(work, task))
                if len(under_way) > workers * _WAITING_PER_WORKER:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
