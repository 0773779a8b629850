"""Measure everything that the README gives figures of, and write tables and plots.

    python -m benchmarks [--artifact DIR] [--smoke | --full] [--only ours,constant,flask]

Each server runs in an environment of its own (made once, kept in the cache), on the pipeline of
the same artifact; a server that cannot be installed or started is reported, and keeps nothing else
from being measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import effort
from benchmarks.peers import NAMES, STANDING
from tools.measuring.published import read_results, write_results
from tools.release.project import ROOT

BUILD = ROOT / "build"
SECTIONS = ("serving", "in_process", "imports", "growth", "batch")
RESULTS = "benchmarks/results.json"


def main() -> None:
    given = _arguments()
    folder = ROOT / "docs" if given.publish else given.output
    found = read_results(given.render) if given.render else _measured(given, folder)
    write_results(found, folder / RESULTS)
    from benchmarks import page, readme

    page.write_page(found, folder)
    if given.publish:
        readme.update_readme(found, ROOT / "README.md")
    print(page.summary(found))
    print(f"\nEverything: {folder / page.PAGE}")


def _measured(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports numpy
    from benchmarks.models import chosen
    from benchmarks.run import Run

    smoke = given.effort == "smoke"
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder_of_run:
        work = Path(folder_of_run)
        run = Run(
            chosen(given.artifact, work=work, small=smoke, say=say),
            effort=effort.KNOWN[given.effort],
            names=given.only or (STANDING if smoke else NAMES),
            cache=None if smoke else given.cache.resolve(),
            work=work,
            say=say,
        )
        found = {"effort": given.effort, **run.setting()}
        for section in given.sections or SECTIONS:
            found[section] = getattr(run, section)()
            write_results(found, folder / RESULTS)  # an error in a later one does not lose it
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--smoke",
        dest="effort",
        action="store_const",
        const="smoke",
        help="Under a minute: does everything still run? Only servers that need no environment.",
    )
    size.add_argument(
        "--full",
        dest="effort",
        action="store_const",
        const="full",
        help="Also tables of 5,000,000 rows.",
    )
    parser.set_defaults(effort="normal")
    parser.add_argument(
        "--artifact",
        type=Path,
        metavar="DIR",
        help="The model. Default: the installed one, else one trained on the bundled sample.",
    )
    parser.add_argument(
        "--only", type=_listed(NAMES), metavar="NAMES", help=f"Servers, from {','.join(NAMES)}."
    )
    parser.add_argument(
        "--sections",
        type=_listed(SECTIONS),
        metavar="NAMES",
        help=f"Parts, from {','.join(SECTIONS)}.",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=BUILD / "environments",
        metavar="DIR",
        help="Where environments are kept. Default: build/environments.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=BUILD,
        metavar="DIR",
        help="Receives benchmarks.md and benchmarks/. Default: build.",
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="Write to docs/, and the speed to the README.",
    )
    parser.add_argument(
        "--render",
        type=Path,
        metavar="FILE",
        help="Measure nothing: write page and plots from these results.",
    )
    return parser.parse_args()


def _listed(names: tuple[str, ...]) -> Any:
    def parse(text: str) -> tuple[str, ...]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in names]:
            expected = ", ".join(names)
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is unknown; expected {expected}")
        return tuple(name for name in names if name in chosen)

    return parse


if __name__ == "__main__":
    main()
