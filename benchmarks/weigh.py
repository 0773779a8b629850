"""Run a command and print what it took, as JSON: ``python weigh.py COMMAND ...``.

A process of its own, and a small one: Linux counts the memory of the process that starts a command
as the command's.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    began = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status, used = os.wait4(pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(sys.argv[1:5])} … ended with {os.waitstatus_to_exitcode(status)}")
    size = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(
        json.dumps({"seconds": seconds, "work": used.ru_utime + used.ru_stime, "memory": size}),
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
