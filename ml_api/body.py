"""The body of a request: JSON, whole, in time, and no larger than the limit."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_content_length

from ml_api.deadlines import Deadlines

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment

PIECE_BYTES = 256 * 1024  # gunicorn copies a piece some four times in the heap of the thread
DISCARD_SECONDS = 5.0
# What arrives without a length is held before its size is known.
UNMEASURED_BYTES = 8 * 1024 * 1024

_deadlines = Deadlines()


def init_app(app: Flask) -> None:
    app.after_request(_discard_unread_body)


def json_body(environ: WSGIEnvironment, *, limit: int, seconds: float) -> bytes:
    """Return the body of a JSON request, at most ``limit`` bytes, which take at most ``seconds``.

    Raises 415 for another content type or an encoded body, 413 for a body over the limit, 408
    for one that is late, 400 for one that breaks off.
    """
    if not _is_json(environ.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType("Send JSON in UTF-8 as Content-Type: application/json.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    sock = environ.get("gunicorn.socket")
    if sock is None:  # other servers limit the wait themselves
        return _whole(environ, limit)
    _deadlines.begin(sock, seconds)
    try:
        return _whole(environ, limit)
    except BadRequest as error:
        if _deadlines.passed(sock):
            raise RequestTimeout(f"A body may take {seconds} seconds; send it faster.") from error
        raise
    finally:
        _deadlines.end(sock)


def _whole(environ: WSGIEnvironment, limit: int) -> bytes:
    length = get_content_length(environ)
    if length is None:
        return _unmeasured(environ, min(limit, UNMEASURED_BYTES))
    if length > limit:
        raise RequestEntityTooLarge(f"A body may hold {limit} bytes; send fewer houses.")
    body = _read(environ, length)
    if len(body) < length:
        raise ClientDisconnected("The body ended before its Content-Length.")
    return body


def _unmeasured(environ: WSGIEnvironment, limit: int) -> bytes:
    # Only a server that says so ends the stream where the body ends. One byte more than the limit
    # is asked for, so that a body over it is not taken for whole.
    body = _read(environ, limit + 1 if environ.get("wsgi.input_terminated") else 0)
    if len(body) <= limit:
        return body
    del body  # the traceback would keep it
    raise RequestEntityTooLarge(
        f"Without a Content-Length a body may hold {limit} bytes; send its length, or fewer houses."
    )


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    kind, options = parse_options_header(content_type)
    charset = options.get("charset", "utf-8").lower()
    return kind.lower() == "application/json" and charset in ("utf-8", "utf8")


def _read(environ: WSGIEnvironment, most: int) -> bytes:
    """Return the body up to ``most`` bytes."""
    body = io.BytesIO()  # grows in place and hands its bytes out without a copy
    while body.tell() < most:
        piece = _read_piece(environ["wsgi.input"], min(most - body.tell(), PIECE_BYTES))
        if not piece:
            break
        body.write(piece)
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


def _discard_unread_body(response: Response) -> Response:
    """Once the answer is sent, read the rest of the request's body and throw the bytes away.

    Closing a connection with unread bytes on it makes the kernel reset it, and many clients then
    never see the answer. Without this, gunicorn would read the rest before the next request of the
    connection, for as long as a client sends a byte now and then.
    """
    if "CONTENT_LENGTH" in request.environ or "HTTP_TRANSFER_ENCODING" in request.environ:
        response.call_on_close(partial(discard_rest, request.environ))
    return response


def discard_rest(environ: WSGIEnvironment) -> None:
    # Only where the server shows its socket can the wait be limited; others clean up themselves.
    sock = environ.get("gunicorn.socket")
    if sock is None:
        return
    _deadlines.begin(sock, DISCARD_SECONDS)
    with suppress(Exception):  # the client is gone or sends garbage, and has had its answer
        # A client that sends faster than this reads is not stopped by the deadline itself.
        while not _deadlines.passed(sock) and environ["wsgi.input"].read(PIECE_BYTES):
            pass
    _deadlines.end(sock)
