"""What a platform's router answers where no release runs: 503."""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Unavailable(BaseHTTPRequestHandler):
    """Answers every request with 503, on a connection that is then closed."""

    timeout = 5

    def do_GET(self) -> None:
        """Refuse."""
        self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)

    def do_POST(self) -> None:
        """Refuse."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class VacantSocket:
    """Answers on a listening socket from ``open`` to ``close``, when a service has taken over."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Answer from now on."""
        if self._server is None:
            address = self._listening.getsockname()
            self._server = ThreadingHTTPServer(address, Unavailable, bind_and_activate=False)
            self._server.socket.close()
            self._server.socket = self._listening.dup()
            Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Answer no more; what was accepted is answered."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
