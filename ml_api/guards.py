"""What a request must satisfy before its bytes reach the model."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from functools import partial
from typing import IO, Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

PIECE_BYTES = 1024 * 1024
DISCARD_SECONDS = 5.0


def init_app(app: Flask) -> None:
    app.after_request(_discard_refused_body)


def json_body(incoming: Request, *, limit: int) -> bytes:
    """The body of a JSON request, at most ``limit`` bytes.

    Raises 415 for another content type or an encoded body, 413 for a body over the limit, 400
    for one that breaks off.
    """
    _check_content_type(incoming)
    if incoming.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    length = incoming.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    body = _read(incoming.stream, limit)
    if length is not None and len(body) < length:
        raise ClientDisconnected("The body ended before its Content-Length.")
    return body


def _check_content_type(incoming: Request) -> None:
    charset = incoming.mimetype_params.get("charset", "utf-8")
    if incoming.mimetype != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send JSON in UTF-8 as Content-Type: application/json.")


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"A request body may hold {limit} bytes; send fewer houses.")


def _read(stream: IO[bytes], limit: int) -> bytes:
    """Everything in ``stream``; 413 where that is more than ``limit`` bytes.

    One byte more than the limit is asked for: a chunked body has no length, and the framework's
    own limit takes the first part of one that is too large for the whole.
    """
    body = io.BytesIO()  # grows in place and hands its bytes out without a copy
    while body.tell() <= limit:
        piece = _read_piece(stream, min(limit + 1 - body.tell(), PIECE_BYTES))
        if not piece:
            return body.getvalue()
        body.write(piece)
    raise _too_large(limit)


def _read_piece(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except (MemoryError, ClientDisconnected):
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


def _discard(environ: dict[str, Any]) -> None:
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
