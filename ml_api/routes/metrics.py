"""What the service counted, for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ml_api.contract.operations import answers
from ml_api.revision import revision
from ml_api.telemetry.metrics import metrics as counted

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@answers(str, "text/plain")
def metrics() -> Response:
    """The counts of all workers, in the format that Accept asks for. Touches no model."""
    from ml_api.telemetry.exposition import expose  # its library is loaded by the first who asks

    content, content_type = expose(
        counted().counters, request.headers.get("Accept", ""), revision=revision()
    )
    return Response(content, content_type=content_type)
