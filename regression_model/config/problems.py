"""Faults of a config file: the form they are reported in, and checks that several rules need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from regression_model.suggestions import suggest

T = TypeVar("T", bound=Hashable)


class Problem(NamedTuple):
    """A fault at a path of keys in the config file, with what to write instead."""

    path: tuple[str, ...]
    message: str


def unknown_names(
    names: Iterable[str], known: Iterable[str], path: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield a problem at ``path`` for each of ``names`` that is not ``known``."""
    candidates = list(known)
    for name in names:
        if name not in candidates:
            yield Problem(path, f"{name!r} is not known here; {suggest(name, candidates)}")


def repeated(values: Iterable[T]) -> list[T]:
    """Return the values that appear more than once."""
    return [value for value, count in Counter(values).items() if count > 1]
