"""Answers that pages of other origins may read (the Fetch standard's CORS protocol)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHARED = (
    ("Access-Control-Expose-Headers", "X-Request-ID, Retry-After, RateLimit, RateLimit-Policy"),
)
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key, X-Request-ID"),
    ("Access-Control-Max-Age", "7200"),
)


class Cors:
    """The WSGI application ``wsgi``, readable by pages of ``origins``.

    Browsers ask by OPTIONS first, which Flask answers for every route. Cookies are not let
    through: there are none.
    """

    def __init__(self, wsgi: WSGIApplication, origins: Collection[str]) -> None:
        self._wsgi = wsgi
        self._origins = frozenset(origins)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        added = [("Vary", "Origin")]  # caches keep the answers to different origins apart
        origin = environ.get("HTTP_ORIGIN", "")
        if origin in self._origins:
            added.append(("Access-Control-Allow-Origin", origin))
            added += PREFLIGHT if environ["REQUEST_METHOD"] == "OPTIONS" else SHARED

        def start_shared(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            return start(status, [*headers, *added], exc_info)

        return self._wsgi(environ, start_shared)
