"""Response bodies: strict JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import Response
from pydantic_core import to_json


def json_response(
    content: Mapping[str, object],
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    *,
    content_type: str = "application/json",
) -> Response:
    """``content`` as strict JSON: NaN and infinity, which JSON lacks, would become null."""
    body = to_json(content, inf_nan_mode="null")
    return Response(body, status, list(headers), content_type=content_type)
