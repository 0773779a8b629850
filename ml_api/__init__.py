"""A thin web service in front of the installed ``regression_model`` package.

It adds nothing to the model: requests go to it as bytes, answers leave as it gave them.
"""

from __future__ import annotations

from flask import Flask
from werkzeug.utils import import_string

from ml_api import body, errors, front, headers, revision, routes
from ml_api.config import Config, ConfigError, from_environment
from ml_api.model import ModelHolder
from ml_api.telemetry import logs
from ml_api.telemetry.metrics import Metrics
from ml_api.version import VERSION

__all__ = ["__version__", "create_app"]

__version__ = VERSION


def create_app(config_object: object | str | None = None) -> Flask:
    """Make the Flask application.

    No model is loaded before the first request that needs one.

    Parameters
    ----------
    config_object : Config, type of Config or str, optional
        A configuration, its class or its dotted name (see :mod:`ml_api.config`). Default: the
        environment variables.

    Returns
    -------
    flask.Flask
        The application; its ``wsgi_app`` answers requests for prices before Flask.

    Raises
    ------
    ml_api.config.ConfigError
        If a setting cannot be used; the message names setting, value and what was expected.

    Examples
    --------
    >>> from ml_api import create_app
    >>> client = create_app().test_client()
    >>> client.get("/health").text
    'ok'
    """
    app = Flask(__name__, static_folder=None)
    # A path with two slashes is another path, not a redirect: redirected posts lose their body.
    app.url_map.merge_slashes = False
    app.config.from_object(_settings(config_object))
    if app.config["ML_API_ENV"] == "production" and app.debug:
        raise ConfigError("DEBUG", app.debug, "False in production")
    metrics = Metrics()
    metrics.init_app(app)
    holder = ModelHolder(
        app.config["REGRESSION_MODEL_ARTIFACT"],
        last_good=app.config["ML_API_LAST_GOOD"],
        metrics=metrics,
    )
    holder.init_app(app)
    logs.init_app(app, metrics.log_line_dropped)
    revision.init_app(app)
    body.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    routes.init_app(app)
    front.init_app(app, holder, metrics)
    return app


def _settings(config_object: object | str | None) -> Config:
    if config_object is None:
        return from_environment()
    if isinstance(config_object, str):
        config_object = import_string(config_object)
    if isinstance(config_object, type) and issubclass(config_object, Config):
        config_object = config_object()
    if not isinstance(config_object, Config):
        raise ConfigError("config_object", config_object, "a Config of ml_api.config or its class")
    return config_object
