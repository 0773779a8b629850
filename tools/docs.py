"""The tables of the documentation that are made from code: ``python -m tools.docs [--check]``.

A table is between ``<!-- generated: NAME -->`` and ``<!-- end -->``. What surrounds it is
written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from ml_api.config import SERVER_SETTINGS, SETTINGS
from ml_api.problems import PROBLEMS
from regression_model.answer import ENTRIES, IDENTIFIER
from regression_model.cli import group
from regression_model.config.estimators import ESTIMATORS
from regression_model.config.formulas import FORMULAS
from tools.measuring.markdown import table
from tools.release.project import ROOT

_GENERATED = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Rows = Iterator[Sequence[str]]


def settings() -> Rows:
    """Each setting of the service, its default and its meaning."""
    yield "variable", "default", "meaning"
    for setting in (*SERVER_SETTINGS, *SETTINGS):
        yield f"`{setting.name}`", setting.shown or _default(setting.default), setting.meaning


def statuses() -> Rows:
    """Each kind of problem that the service answers."""
    yield "status", "`type`", "when", "what to do"
    for problem in PROBLEMS:
        name = f"`{problem.type}`" if problem.name else ""
        yield str(problem.status), name, problem.when, problem.remedy


def answer() -> Rows:
    """Each key of an answer, with the columns of a table that show the same."""
    yield "key", "in tables", "holds"
    for entry in ENTRIES:
        names = (
            "the identifier's name" if c is IDENTIFIER else f"`{c.name}`" for c in entry.columns
        )
        yield f"`{entry.key}`", ", ".join(names), entry.description


def commands() -> Rows:
    """Each command, and what it does."""
    yield "command", "does"
    for name, command in _commands(group, "regression-model"):
        yield f"`{name}`", command.get_short_help_str(limit=1000)


def formulas() -> Rows:
    """Each formula of a derived feature: what it takes, and what it gives."""
    yield "formula", "takes", "gives"
    for name, formula in FORMULAS.items():
        yield f"`{name}`", formula.takes, formula.gives


def estimators() -> Rows:
    """Each estimator that a member may name."""
    yield "estimator", "of", "is"
    for name, one in ESTIMATORS.items():
        library = "scikit-learn" if one.module.startswith("sklearn.") else "this package"
        yield f"`{name}`", library, one.description


def _commands(parent: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(parent)
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        elif command is not None:
            arguments = (p for p in command.params if isinstance(p, click.Argument))
            yield " ".join([path, name, *(p.make_metavar(context) for p in arguments)]), command


def _default(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


TABLES: dict[str, Callable[[], Iterable[Sequence[str]]]] = {
    "answer": answer,
    "commands": commands,
    "estimators": estimators,
    "formulas": formulas,
    "settings": settings,
    "statuses": statuses,
}


def generated(name: str) -> str:
    """Return the table called ``name`` as code has it now; the first of its rows is its head."""
    head, *others = TABLES[name]()
    return table(head, others).replace("|  |", "| |") + "\n"


def regenerated(text: str) -> str:
    """``text`` with every generated table as code has it now."""
    return _GENERATED.sub(lambda m: m[1] + generated(m[2]) + m[3], text)


def stale(root: Path = ROOT) -> dict[Path, str]:
    """The pages of which a table is not as code has it, each with its text as it should be."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    texts = {page: page.read_text("utf-8") for page in sorted(pages)}
    return {page: new for page, old in texts.items() if (new := regenerated(old)) != old}


def main(arguments: Sequence[str]) -> int:
    """Write what is stale; with ``--check``, only name it and return 1."""
    found = stale()
    for page, text in found.items():
        print(f"{page.relative_to(ROOT)}: {'stale; run tox -e docs' if arguments else 'written'}")
        if not arguments:
            page.write_text(text, "utf-8")
    return int(bool(found and arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
