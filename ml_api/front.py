"""The front: what every request meets first, and where requests for prices are answered.

gunicorn hands each request to :class:`Front`. The front corrects the path, gives the request an id
and asks the guards (``guards/``: name of the host, API key, rate). A request for prices is answered
here: ``body.py`` reads the JSON within limits of type, size and time (``deadlines.py`` ends slow
reads), the package parses the houses, the model values them, and the answer leaves without Flask,
whose routing, contexts and hooks would take as long as the model. Every other request goes on to
Flask and its routes. A refusal is an exception: the part that refuses (a guard, the body, the
parser, the model) raises one. The front puts the exception into the environment of the request, and
Flask raises it again before any route runs. There ``errors.py`` makes problem details (RFC 9457) of
every exception, with the status and the kind that ``problems.py`` lists; ``answers.py`` writes them
as JSON; and Flask's hooks add the headers and the id, count the answer, and discard what is left of
the body. So all refusals have one shape, wherever they arise.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from flask import Config, Flask, Response, request
from pydantic_core import to_json
from werkzeug.middleware.proxy_fix import ProxyFix

from ml_api.body import json_body
from ml_api.errors import NoRowPriced, TooManyRows, TooManyToExplain
from ml_api.guards.admission import admit, guards_of
from ml_api.guards.cors import Cors
from ml_api.headers import SECURITY_HEADERS
from ml_api.model import ModelHolder, cannot_explain
from ml_api.telemetry import logs
from ml_api.telemetry.metrics import Metrics
from ml_api.telemetry.traceparent import read_trace
from regression_model import ArtifactError, Prediction, Request, parse_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREDICT_PATHS = ("/v1/regression-model/predict", "/v1/predict")
FAILURE = "ml_api.failure"  # key of the environment: why the request is refused
STARTED = "ml_api.started"  # and when it was met, by time.perf_counter
REQUEST_ID_HEADER = "X-Request-ID"

# A body that may hold more rows than is good is looked through before it becomes objects of Python,
# which take twenty times its memory.
LARGE_BYTES = 4 * 1024 * 1024

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)


def init_app(app: Flask, holder: ModelHolder, metrics: Metrics) -> None:
    """Put the front before ``app``, and before the front what corrects requests and answers."""
    app.before_request(_raise_failure)
    app.after_request(_return_request_id)
    app.after_request(partial(_count, metrics))
    wsgi: WSGIApplication = Front(app.wsgi_app, app.config, holder, metrics)
    if app.config["ML_API_CORS_ORIGINS"]:
        wsgi = Cors(wsgi, app.config["ML_API_CORS_ORIGINS"])
    proxies = app.config["ML_API_TRUSTED_PROXIES"]
    if proxies:
        # A proxy hands the header Host on as it is; what else it forwards must not change it.
        wsgi = ProxyFix(wsgi, x_for=proxies, x_proto=proxies, x_host=0)
    app.wsgi_app = wsgi  # type: ignore[assignment]  # typeshed's start_response has a name, Flask's has none


class Front:
    """The WSGI application around ``flask``, the rest of the service."""

    def __init__(
        self, flask: WSGIApplication, config: Config, holder: ModelHolder, metrics: Metrics
    ) -> None:
        self._flask = flask
        self._config = config
        self._holder = holder
        self._guards = guards_of(config)
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        _settle_path(environ)
        request_id = _request_id(environ)
        logs.begin(_identity(environ, request_id))
        try:
            try:
                answer = self._answer(environ)
            except Exception as error:
                answer = None
                environ[FAILURE] = error
            if answer is None:
                environ[STARTED] = started
                return self._flask(environ, start)
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(answer))),
                (REQUEST_ID_HEADER, request_id),
                *SECURITY_HEADERS,
            ]
            start("200 OK", headers)
            seconds = time.perf_counter() - started
            self._metrics.answered(environ["PATH_INFO"], 200, seconds)
            return [answer]
        finally:
            logs.end()

    def _answer(self, environ: WSGIEnvironment) -> bytes | None:
        """Return the prices that are asked for; None where Flask has the answer."""
        if self._guards:
            admit(environ, self._guards)
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] in PREDICT_PATHS:
            return to_json(self._prices(environ), inf_nan_mode="null")
        return None

    def _prices(self, environ: WSGIEnvironment) -> Prediction:
        """Return the answer to a request for prices; the exception that says why there is none."""
        body = json_body(
            environ,
            limit=self._config["ML_API_MAX_BODY_BYTES"],
            seconds=self._config["ML_API_BODY_SECONDS"],
        )
        rows, explain = self._asked(body)
        most = self._config["ML_API_MAX_EXPLAINED_ROWS"]
        if explain and len(rows) > most:
            raise TooManyToExplain(len(rows), most)
        started = time.perf_counter()
        try:
            result = self._holder.get().predict_rows(rows, from_json=True, explain=explain)
        except ArtifactError as error:
            raise cannot_explain(error) from error
        seconds = time.perf_counter() - started
        self._metrics.priced(result)
        logs.predict_output(result, seconds=seconds, values=self._config["ML_API_LOG_VALUES"])
        if all(price is None for price in result["predictions"]):
            raise NoRowPriced(result)
        return result

    def _asked(self, body: bytes) -> Request:
        """Return the request in the body; it is logged in every case."""
        most = self._config["ML_API_MAX_ROWS"]
        rows = None
        try:
            if len(body) > LARGE_BYTES and body.count(b"{") + body.count(b"[") > 2 * most:
                raise TooManyRows(most)
            asked = parse_request(body)
            rows = len(asked.rows)
            if rows > most:
                raise TooManyRows(most)
            return asked
        finally:
            logs.predict_input(body, rows=rows, values=self._config["ML_API_LOG_VALUES"])


def _settle_path(environ: WSGIEnvironment) -> None:
    """Write the path as Flask's router reads it: with one slash at its beginning.

    Guards, the front and the router then see the same path. A client whose base address ends in a
    slash sends two.
    """
    path: str = environ.get("PATH_INFO", "")
    if path[:1] != "/" or path[1:2] == "/":
        environ["PATH_INFO"] = "/" + path.lstrip("/")


def _request_id(environ: WSGIEnvironment) -> str:
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    if given and _REQUEST_ID.fullmatch(given):
        return given
    # Names a request and guards nothing; the system's randomness would cost a call of the system.
    return f"{random.getrandbits(128):032x}"


def _identity(environ: WSGIEnvironment, request_id: str) -> dict[str, str]:
    """Return the fields of every line of the log: the request's id and its trace."""
    identity = {"request_id": request_id}
    if "HTTP_TRACEPARENT" in environ:
        identity |= read_trace(environ["HTTP_TRACEPARENT"])
    return identity


def _count(metrics: Metrics, response: Response) -> Response:
    # Paths without a route count as one route: clients could invent any number of them.
    route = "unmatched" if request.url_rule is None else request.url_rule.rule
    seconds = time.perf_counter() - request.environ[STARTED]
    metrics.answered(route, response.status_code, seconds)
    return response


def _raise_failure() -> None:
    """Hand what went wrong in the front to the one handler of errors."""
    if FAILURE in request.environ:
        raise request.environ.pop(FAILURE)


def _return_request_id(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = logs.request_id()
    return response
