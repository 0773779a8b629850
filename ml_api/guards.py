"""What a request must satisfy before its bytes reach the model."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_content_length

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment

PIECE_BYTES = 1024 * 1024
DISCARD_SECONDS = 5.0


def init_app(app: Flask) -> None:
    app.after_request(_discard_refused_body)


def json_body(environ: WSGIEnvironment, *, limit: int) -> bytes:
    """The body of a JSON request, at most ``limit`` bytes.

    Raises 415 for another content type or an encoded body, 413 for a body over the limit, 400
    for one that breaks off.
    """
    if not _is_json(environ.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType("Send JSON in UTF-8 as Content-Type: application/json.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    length = get_content_length(environ)
    if length is None:
        # Without a length, only a server that says so ends the stream where the body ends. One
        # byte more than the limit is asked for, so that a body over it is not taken for whole.
        return _read(environ, limit + 1 if environ.get("wsgi.input_terminated") else 0, limit=limit)
    if length > limit:
        raise _too_large(limit)
    body = _read(environ, length, limit=limit)
    if len(body) < length:
        raise ClientDisconnected("The body ended before its Content-Length.")
    return body


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    kind, options = parse_options_header(content_type)
    charset = options.get("charset", "utf-8").lower()
    return kind.lower() == "application/json" and charset in ("utf-8", "utf8")


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"A request body may hold {limit} bytes; send fewer houses.")


def _read(environ: WSGIEnvironment, most: int, *, limit: int) -> bytes:
    """The body up to ``most`` bytes; 413 where that is more than ``limit``."""
    body = io.BytesIO()  # grows in place and hands its bytes out without a copy
    while body.tell() < most:
        piece = _read_piece(environ["wsgi.input"], min(most - body.tell(), PIECE_BYTES))
        if not piece:
            break
        body.write(piece)
    if body.tell() > limit:
        raise _too_large(limit)
    return body.getvalue()


def _read_piece(stream: InputStream, size: int) -> bytes:
    try:
        return stream.read(size)
    except MemoryError:
        raise
    except OSError as error:
        raise ClientDisconnected("The body could not be read to its end.") from error
    except Exception as error:
        # Each server has exceptions of its own for broken chunks; all are the client's doing.
        raise BadRequest("The body is not framed as HTTP/1.1 requires.") from error


def _discard_refused_body(response: Response) -> Response:
    """After a refusal, read what the client is still sending and throw it away.

    Closing a connection with unread bytes on it makes the kernel reset it, and many clients then
    never see the answer. It happens once the answer is sent, so that clients may stop early.
    """
    if response.status_code >= 400 and request.method not in ("GET", "HEAD"):
        response.call_on_close(partial(_discard, request.environ))
    return response


def _discard(environ: WSGIEnvironment) -> None:
    # Only where the server shows its socket can the wait be limited; others clean up themselves.
    sock = environ.get("gunicorn.socket")
    if sock is None:
        return
    stream = environ["wsgi.input"]
    deadline = time.monotonic() + DISCARD_SECONDS
    with suppress(Exception):  # the client is gone or sends garbage, and has had its answer
        before = sock.gettimeout()
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not stream.read(PIECE_BYTES):
                break
        sock.settimeout(before)
