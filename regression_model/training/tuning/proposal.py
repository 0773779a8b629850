"""What a search proposes, as lines of the config: old beside new, and a patch."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping
from typing import NamedTuple

from regression_model.config.reader import parse_spec
from regression_model.config.spec import Spec
from regression_model.config.yaml_lines import line_of
from regression_model.errors import ConfigError
from regression_model.training.tuning.search import (
    OWN_VALUES,
    Place,
    Value,
    as_text,
    present_values,
    with_values,
)

_LINE = re.compile(
    r"(?P<key>\s*(['\"]?)[^'\"#]+\2\s*:\s+)(?P<value>'[^']*'|\"[^\"]*\"|[^#]*[^#\s])(?P<rest>.*)",
    re.DOTALL,
)


class Change(NamedTuple):
    """A value of a member in the config, now and as proposed; ``key`` is its path in the file."""

    key: str
    old: str
    new: str


class Proposal(NamedTuple):
    """The config with other values in place of the present ones; all else is as it was."""

    changes: list[Change]
    text: str
    patch: str


def propose(text: str, values: Mapping[Place, Value], *, spec: Spec, label: str) -> Proposal:
    """Put ``values`` into the config ``text`` from which ``spec`` was read.

    ``label`` is the file's name in the patch and in errors. Raises ConfigError where a value
    is written in such a way that its line cannot be changed alone.
    """
    present = present_values(spec)
    changes, lines = [], text.splitlines(keepends=True)
    for place, value in values.items():
        path = _path(*place)
        number = line_of(text, path)
        changes.append(Change(".".join(path[1:]), as_text(present[place]), as_text(value)))
        lines[number - 1] = _rewritten(lines[number - 1], as_text(value))
    changed = "".join(lines)
    if not _gives(changed, with_values(spec, values)):
        keys = ", ".join(change.key for change in changes)
        raise ConfigError(
            f"{label}: {keys} cannot be changed in the text; write each in its own line as "
            "'name: value'"
        )
    return Proposal(changes, changed, _patch(text, changed, label))


def _gives(text: str, spec: Spec) -> bool:
    try:
        return parse_spec(text, label="") == spec
    except ConfigError:
        return False


def _rewritten(line: str, value: str) -> str:
    found = _LINE.fullmatch(line)
    return line if found is None else found["key"] + value + found["rest"]


def _path(member: str, name: str) -> tuple[str, ...]:
    own = name in OWN_VALUES
    return ("members", member, name) if own else ("members", member, "hyperparameters", name)


def _patch(old: str, new: str, label: str) -> str:
    before, after = io.StringIO(old).readlines(), io.StringIO(new).readlines()
    lines = difflib.unified_diff(before, after, fromfile=label, tofile=label)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
