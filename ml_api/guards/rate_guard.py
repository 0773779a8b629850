"""How many requests a client may send, counted by the library ``limits`` where workers share it."""

from __future__ import annotations

import ipaddress
import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from limits import parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from ml_api.config import MEMORY
from ml_api.guards.paths import CLIENT
from ml_api.telemetry import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STORE_SECONDS = 0.25  # how long a request may wait for the store
PAUSE_SECONDS = 5  # how long a store that failed is left alone


class RateLimited(TooManyRequests):
    """The client has used up its requests; says when the next is admitted.

    The headers are those of the IETF's draft "RateLimit header fields for HTTP" (version 10).
    """

    def __init__(self, rate: str, *, quota: int, window: int, wait: int) -> None:
        super().__init__(f"At most {rate} requests; send the next in {wait} s.", retry_after=wait)
        self._fields = [
            ("RateLimit-Policy", f'"default";q={quota};w={window}'),
            ("RateLimit", f'"default";r=0;t={wait}'),
        ]

    def get_headers(self, *arguments: Any, **named: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*arguments, **named), *self._fields]


class RateGuard:
    """Admits ``rate`` requests, such as ``100/minute``, in any period of that length.

    A client is the name of its API key, else its address. While the store cannot be reached
    everything is admitted, or nothing where ``closed``.
    """

    def __init__(self, rate: str, store: str, *, closed: bool) -> None:
        self._rate = parse(rate)
        self._text = rate
        self._closed = closed
        storage = storage_from_string(store, wrap_exceptions=True, **_options(store))
        self._limiter = MovingWindowRateLimiter(storage)
        self._store_back_at = 0.0

    def __call__(self, environ: WSGIEnvironment) -> None:
        client = _client(environ)
        if time.monotonic() >= self._store_back_at:
            try:
                if not self._limiter.hit(self._rate, *client):
                    raise self._limited(client)
                return
            except StorageError as error:
                self._store_failed(error)
        if self._closed:
            raise ServiceUnavailable("Requests cannot be counted now.", retry_after=PAUSE_SECONDS)

    def _limited(self, client: tuple[str, str]) -> RateLimited:
        free_at, _ = self._limiter.get_window_stats(self._rate, *client)
        return RateLimited(
            self._text,
            quota=self._rate.amount,
            window=self._rate.get_expiry(),
            wait=max(1, math.ceil(free_at - time.time())),
        )

    def _store_failed(self, error: StorageError) -> None:
        self._store_back_at = time.monotonic() + PAUSE_SECONDS
        logs.error(
            "rate_limit.store_unavailable",
            reason=str(error.storage_error),
            admitted=not self._closed,
        )


def _options(store: str) -> dict[str, Any]:
    if store == MEMORY:
        return {}
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # A second try would take as long again; the next request is it.
    return {
        "socket_connect_timeout": STORE_SECONDS,
        "socket_timeout": STORE_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "key_prefix": "regression-model",
    }


def _client(environ: WSGIEnvironment) -> tuple[str, str]:
    name = environ.get(CLIENT)
    if name is not None:
        return "key", name
    return "address", _network(environ.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    """Return the address; for version 6 the /64 network, which belongs to one client."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address  # of a local socket: none
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
