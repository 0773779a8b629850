"""Read ``config.yml`` into a ``Spec``, or say what is wrong where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from regression_model.config.check import problems_of
from regression_model.config.problems import Problem
from regression_model.config.spec import Spec
from regression_model.config.values import values_of
from regression_model.config.yaml_lines import line_of, load
from regression_model.config.yaml_schema import KNOWN_KEYS, SCHEMA
from regression_model.errors import ConfigError
from regression_model.suggestions import suggest

Check = Callable[[Spec], Iterable[Problem]]


def bundled_config() -> str:
    """The text of the ``config.yml`` that this package carries."""
    return resources.files("regression_model").joinpath("config.yml").read_text("utf-8")


def read_config(path: Path | None = None) -> str:
    """The text of the config file at ``path`` (default: the bundled one)."""
    if path is None:
        return bundled_config()
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def load_spec(path: Path | None = None) -> Spec:
    """Read a config file into a specification.

    Parameters
    ----------
    path : pathlib.Path, optional
        The config file. Default: the bundled one.

    Returns
    -------
    Spec
        Description of columns and model.

    Raises
    ------
    ConfigError
        If the file cannot be read or holds a fault; the message names file, line and remedy, of all
        faults at once if the file is well-formed.
    """
    return parse_spec(read_config(path), label=str(path or "config.yml"))


def parse_spec(text: str, *, label: str, check: Check | None = None) -> Spec:
    """Read the text of a config file; ``label`` names it in errors.

    ``check`` finds further faults in the spec, which are reported with the others. To train by a
    config, read it with :func:`regression_model.training.checks.parse_checked`.
    """
    try:
        data = load(text, SCHEMA, label=label)
    except ConfigError as error:
        raise ConfigError(f"{error}{_hint(str(error))}") from error
    faults: list[Problem] = []
    values = values_of(data, faults)
    refused = {fault.path[:2] for fault in faults}
    try:
        spec = Spec.model_validate(values)
    except ValidationError as error:
        faults += [Problem(tuple(map(str, e["loc"])), e["msg"]) for e in error.errors()]
    else:
        found = [*problems_of(spec), *(check(spec) if check is not None else ())]
        faults += [fault for fault in found if fault.path[:2] not in refused]
    if faults:
        raise ConfigError(_report(text, faults, label))
    return spec


def _report(text: str, faults: Iterable[Problem], label: str) -> str:
    """One line of text for each fault, in the order of the file."""
    placed = [(line_of(text, fault.path), fault.message) for fault in faults]
    placed.sort(key=lambda place: place[0])  # stable: one line keeps the order of the checks
    return "\n".join(f"{label}, line {line}: {message}" for line, message in placed)


def parse_tracking(text: str, *, label: str) -> dict[str, str] | None:
    """The section that says where runs are recorded, which is no part of the model; else None."""
    if not re.search(r"^tracking\s*:", text, re.MULTILINE):
        return None
    section: dict[str, str] | None = load(text, SCHEMA, label=label).get("tracking")
    return section


def _hint(message: str) -> str:
    unexpected = re.search(r"unexpected key not in schema '(.+?)'", message)
    if unexpected is None:
        return ""
    remedy = suggest(unexpected[1], KNOWN_KEYS, "remove it.")
    return f"; {remedy} The keys are explained in docs/configuration.md."
