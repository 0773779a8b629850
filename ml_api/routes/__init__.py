"""The routes, one module for each concern."""

from __future__ import annotations

from flask import Flask

from ml_api.routes import documentation, health, metrics, predict, schema


def init_app(app: Flask) -> None:
    for module in (predict, schema, health, metrics, documentation):
        app.register_blueprint(module.blueprint)
