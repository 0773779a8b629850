"""Measure what the service does under faults: ``python -m reliability chaos``.

Prints a table; the exit code is 1 where a promise was not kept.
"""

from __future__ import annotations

from reliability.command import command

if __name__ == "__main__":
    command()
