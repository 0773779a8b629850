"""What the contract says of a route, written beside the function that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from flask.typing import RouteCallable

View = TypeVar("View", bound=RouteCallable)
_KEY = "operation"


class Operation(NamedTuple):
    """Beside its path, its method and the words of its docstring.

    ``answer`` is the type of what it answers, from which the schema is derived; ``refusals`` are
    the statuses it has of its own; ``conditional`` tells that it knows ``If-None-Match``;
    ``choices`` are the values of each part of the path that varies.
    """

    answer: Any
    media_type: str = "application/json"
    refusals: tuple[int, ...] = ()
    conditional: bool = False
    choices: Mapping[str, Iterable[str]] = MappingProxyType({})


def answers(
    answer: Any,
    media_type: str = "application/json",
    *,
    refusals: tuple[int, ...] = (),
    conditional: bool = False,
    choices: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> Callable[[View], View]:
    """Say so of a view."""

    def say(view: View) -> View:
        vars(view)[_KEY] = Operation(answer, media_type, refusals, conditional, choices)
        return view

    return say


def operation_of(view: RouteCallable) -> Operation | None:
    """What was said of ``view``, None where nothing was."""
    return vars(view).get(_KEY)
