"""The routes, one module for each concern."""

from __future__ import annotations

from flask import Flask

from ml_api.routes import health, metrics, predict, schema


def init_app(app: Flask) -> None:
    for module in (health, metrics, predict, schema):
        app.register_blueprint(module.blueprint)
