"""The contract, and a page to read it and to try it out."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from pydantic_core import from_json

from ml_api.contract.operations import answers
from ml_api.model import holder
from ml_api.problems import PAGE, PROBLEMS

blueprint = Blueprint("documentation", __name__)

# By the package that holds it: its files come from here, and from nowhere else.
ASSETS = {
    "docs.css": ("ml_api", "assets", "text/css"),
    "docs.js": ("ml_api", "assets", "text/javascript"),
    "swagger-ui.css": ("flask_swagger_ui", "dist", "text/css"),
    "swagger-ui-bundle.js": ("flask_swagger_ui", "dist", "text/javascript"),
    "favicon-32x32.png": ("flask_swagger_ui", "dist", "image/png"),
}
# Swagger UI has its icons as data, in its style sheet.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/openapi.json")
@answers(dict[str, Any], refusals=(503,), conditional=True)
def openapi() -> Response:
    """The contract as OpenAPI 3.1, with the model that is in service."""
    return _named(_document(), "application/json")


@blueprint.get(PAGE)
@answers(str, "text/html; charset=utf-8", refusals=(503,), conditional=True)
def docs() -> Response:
    """The contract as a page, to read and to try out."""
    from ml_api.contract import snippets

    document = from_json(_document())
    call = snippets.call_of(document, request.host_url)
    page = render_template(
        "docs.html",
        info=document["info"],
        curl=snippets.curl(call),
        python=snippets.python(call),
        problems=PROBLEMS,
    )
    response = _named(page.encode(), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get(f"{PAGE}/<asset>")
@answers(str, "*/*", refusals=(404,), conditional=True, choices={"asset": ASSETS})
def page_asset(asset: str) -> Response:
    """A script, style sheet or icon of the page."""
    if asset not in ASSETS:
        abort(404)
    package, folder, media_type = ASSETS[asset]
    return _named(files(package).joinpath(folder, asset).read_bytes(), media_type)


def _document() -> bytes:
    from ml_api.contract.openapi import encoded

    return encoded(cast(Flask, current_app._get_current_object()), holder().get())  # type: ignore[attr-defined]  # noqa: SLF001  # Flask's documented way


def _named(content: bytes, media_type: str) -> Response:
    """``content``, or word that the client already has it: it is asked for again each time."""
    response = Response(content, content_type=media_type)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
