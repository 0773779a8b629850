"""One shape for every error: problem details (RFC 9457) with the id of the request."""

from __future__ import annotations

from typing import Annotated, NotRequired

from flask import Flask, Response, request
from pydantic import Field
from typing_extensions import TypedDict
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnprocessableEntity,
)

from ml_api.answers import json_response
from ml_api.model import RETRY_SECONDS, CannotExplain, ModelUnavailable
from ml_api.problems import CANNOT_EXPLAIN, NO_ROW_PRICED, TOO_MANY_TO_EXPLAIN, Problem, of_status
from ml_api.telemetry import logs
from regression_model import InvalidInput, Issue, MalformedJSON, Omitted, Prediction

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(TypedDict):
    """What every error looks like (RFC 9457)."""

    type: Annotated[
        str,
        Field(
            description="The kind of problem, a reference to what explains it; about:blank where "
            "the status says all.",
            json_schema_extra={"format": "uri-reference"},
        ),
    ]
    title: Annotated[str, Field(description="The kind of problem in words.")]
    status: Annotated[int, Field(ge=400, le=599, description="The status of the answer.")]
    detail: Annotated[str, Field(description="What went wrong this time, and what helps.")]
    request_id: Annotated[
        str, Field(description="That of X-Request-ID; the log of the service has it too.")
    ]
    errors: NotRequired[
        Annotated[list[Issue], Field(description="Why rows have no price; where none has one.")]
    ]
    omitted: NotRequired[
        Annotated[list[Omitted], Field(description="What errors has no room for, counted.")]
    ]


class NoRowPriced(UnprocessableEntity):
    """The input has the right shape and not one of its houses could be priced."""

    def __init__(self, result: Prediction) -> None:
        rows = len(result["predictions"])
        super().__init__(f"Rows with a price: 0 of {rows}; the reasons are in errors.")
        self.errors: list[Issue] = result["errors"]
        self.omitted: list[Omitted] = result.get("omitted", [])


class TooManyRows(RequestEntityTooLarge):
    """More houses than one request may hold."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"At most {most} houses are valued in one request (ML_API_MAX_ROWS); send fewer at a "
            "time, or value the table with: regression-model predict TABLE --output PRICES"
        )


class TooManyToExplain(UnprocessableEntity):
    """More houses are to be explained than one request may ask for."""

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(
            f"At most {most} houses are explained in one request, got {rows}; "
            "send fewer houses, or omit explain."
        )


def init_app(app: Flask) -> None:
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Return the response to ``error``; the traceback of our own failures is logged."""
    refusal = _as_http(error)
    details = problem_details(error, refusal, request_id=logs.request_id())
    _log(error, details["status"])
    headers = [(name, value) for name, value in refusal.get_headers() if name != "Content-Type"]
    return json_response(details, details["status"], headers, content_type=MEDIA_TYPE)


def problem_details(error: Exception, refusal: HTTPException, *, request_id: str) -> ProblemDetails:
    """Return what a client is told of ``error``, which is answered as ``refusal``."""
    problem = _problem(error, refusal.code or 500)
    details: ProblemDetails = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": _detail(refusal),
        "request_id": request_id,
    }
    if isinstance(error, NoRowPriced):
        details["errors"] = error.errors
        if error.omitted:
            details["omitted"] = error.omitted
    return details


def _log(error: Exception, status: int) -> None:
    where = {"method": request.method, "path": request.path}
    if status == 500:
        logs.error("request.failed", exc_info=True, **where)
    else:
        logs.info("request.refused", status=status, error=type(error).__name__, **where)


def _problem(error: Exception, status: int) -> Problem:
    match error:
        case NoRowPriced():
            return NO_ROW_PRICED
        case TooManyToExplain():
            return TOO_MANY_TO_EXPLAIN
        case CannotExplain():
            return CANNOT_EXPLAIN
    return of_status(status)


def _as_http(error: Exception) -> HTTPException:
    match error:
        case HTTPException():
            return error
        case MalformedJSON():
            return BadRequest(str(error))
        case InvalidInput():
            return UnprocessableEntity(str(error))
        case ModelUnavailable():
            return ServiceUnavailable(str(error), retry_after=RETRY_SECONDS)
    return InternalServerError()


def _detail(refusal: HTTPException) -> str:
    match refusal:
        case NotFound():
            return "There is nothing at this path."
        case MethodNotAllowed():
            return f"This path answers {', '.join(sorted(refusal.valid_methods or ()))} only."
        case InternalServerError():  # what it says itself may be the text of an exception
            return "The server failed; its log has the reason under this request_id."
    return refusal.description or ""
