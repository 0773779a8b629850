"""The WSGI entry point: ``gunicorn ml_api.wsgi:app``."""

from __future__ import annotations

from ml_api import create_app

app = create_app()
