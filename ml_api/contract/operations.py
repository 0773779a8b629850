"""What a route asks for and answers, written beside its function for the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from flask.typing import RouteCallable

View = TypeVar("View", bound=RouteCallable)
_KEY = "operation"
PREDICT_REQUEST = "PredictRequest"  # the schema of a request for prices, made from the model


class Operation(NamedTuple):
    """What the contract says of a route beside its path, its method and its docstring.

    ``answer`` is the type of what it answers, from which the schema is derived; ``refusals`` are
    the statuses it has of its own; ``conditional`` tells that it knows ``If-None-Match``;
    ``choices`` are the values of each part of the path that varies; ``asks`` names the schema of
    the body among the components, empty for a route that reads no body.
    """

    answer: Any
    media_type: str = "application/json"
    refusals: tuple[int, ...] = ()
    conditional: bool = False
    choices: Mapping[str, Iterable[str]] = MappingProxyType({})
    asks: str = ""


def answers(
    answer: Any,
    media_type: str = "application/json",
    *,
    refusals: tuple[int, ...] = (),
    conditional: bool = False,
    choices: Mapping[str, Iterable[str]] = MappingProxyType({}),
    asks: str = "",
) -> Callable[[View], View]:
    """Tell the contract what a view asks for and answers; see :class:`Operation`."""

    def say(view: View) -> View:
        vars(view)[_KEY] = Operation(answer, media_type, refusals, conditional, choices, asks)
        return view

    return say


def operation_of(view: RouteCallable) -> Operation | None:
    """Return what was said of ``view``, None where nothing was."""
    return vars(view).get(_KEY)
