"""Read YAML by a schema, and say in which line a fault is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import strictyaml as sy
from strictyaml.exceptions import YAMLValidationError
from strictyaml.ruamel.error import MarkedYAMLError

from regression_model.errors import ConfigError


def load(text: str, schema: Any, *, label: str) -> Any:
    """The data of a YAML text that fits ``schema``, or :class:`ConfigError` with file and line."""
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ConfigError(f"{label}, line {line}: holds a NUL character; save it as UTF-8 text")
    try:
        return sy.load(text, schema, label=label).data
    except YAMLValidationError as error:
        raise ConfigError(_refusal(error, text, label)) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{label}, line {mark.line + 1}" if mark is not None else label
        raise ConfigError(f"{where}: {_said(error)}") from error


def _refusal(error: YAMLValidationError, text: str, label: str) -> str:
    # strictyaml counts the lines of its own rendering, in which long ones are wrapped; the keys
    # that lead to the fault are known only to its internals.
    pointer = getattr(getattr(error, "_chunk", None), "_pointer", None)
    indices = getattr(pointer, "_indices", [])
    path = [str(names[0]) for kind, names in indices if kind in ("key", "val")]
    return f"{label}, line {line_of(text, path)}: {_said(error)}"


def _said(error: MarkedYAMLError) -> str:
    return "; ".join(" ".join(str(part).split()) for part in (error.context, error.problem) if part)


def line_of(text: str, path: Iterable[str]) -> int:
    """Line, from 1, of the key at ``path``, or of the deepest of its parents that is there.

    strictyaml counts the comment above a key as the key's first line; people do not.
    """
    lines = text.splitlines()
    found, indent = -1, -1
    for key in path:
        name = re.compile(rf"(\s*)(['\"]?){re.escape(key)}\2\s*:")
        for number in range(found + 1, len(lines)):
            line = lines[number]
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if found >= 0 and len(line) - len(line.lstrip()) <= indent:
                return found + 1
            match = name.match(line)
            if match is not None and (found >= 0 or not match[1]):
                found, indent = number, len(match[1])
                break
        else:
            break
    return found + 1 if found >= 0 else 1
