"""Who is answered at all: what every request passes before anything else is done for it.

A guard takes the environment of a request and raises an HTTP error where it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Config
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import host_is_trusted

from ml_api.guards.paths import OPEN_PATHS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Guard = Callable[["WSGIEnvironment"], None]


def guards_of(config: Config) -> tuple[Guard, ...]:
    """Return the guards that are switched on, in their order; others are not imported."""
    guards: list[Guard] = []
    if config["ML_API_TRUSTED_HOSTS"]:
        guards.append(HostGuard(config["ML_API_TRUSTED_HOSTS"]))
    if config["ML_API_KEYS_FILE"]:
        from ml_api.guards.key_guard import KeyGuard

        guards.append(KeyGuard(config["ML_API_KEYS_FILE"], last_good=config["ML_API_LAST_GOOD"]))
    if config["ML_API_RATE_LIMIT"]:
        from ml_api.guards.rate_guard import RateGuard

        guards.append(
            RateGuard(
                config["ML_API_RATE_LIMIT"],
                config["ML_API_RATE_LIMIT_STORE"],
                closed=config["ML_API_RATE_LIMIT_FAILURE"] == "closed",
            )
        )
    return tuple(guards)


def admit(environ: WSGIEnvironment, guards: Sequence[Guard]) -> None:
    """Raise what a guard has against the request.

    Every path is guarded but the open ones, also those that do not exist. OPTIONS, which says no
    more than a path's methods, is what browsers send without a key before they send the key.
    """
    if environ["PATH_INFO"] in OPEN_PATHS or environ["REQUEST_METHOD"] == "OPTIONS":
        return
    for guard in guards:
        guard(environ)


class HostGuard:
    """Refuses requests that call the service by another name than ``hosts``."""

    def __init__(self, hosts: Sequence[str]) -> None:
        trusted = [host.lower() for host in hosts]
        self._trusts = lru_cache(maxsize=64)(lambda host: host_is_trusted(host.lower(), trusted))

    def __call__(self, environ: WSGIEnvironment) -> None:
        if not self._trusts(environ.get("HTTP_HOST", "")):
            raise BadRequest("The service does not accept the name in the header Host.")
