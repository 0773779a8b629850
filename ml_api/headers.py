"""Headers of every answer that tell browsers to be careful with it."""

from __future__ import annotations

from flask import Flask, Response

SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def init_app(app: Flask) -> None:
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    """Add what the view did not set itself, as a page of HTML does."""
    for name, value in SECURITY_HEADERS:
        response.headers.setdefault(name, value)
    return response
