"""Every kind of problem that an answer can tell of: one list, for answers and their description.

A problem that says more than its status does has a type of its own, whose address explains it; of
the others ``about:blank`` says that the status is all there is to know (RFC 9457, section 4.2.1).
"""

from __future__ import annotations

from typing import NamedTuple

from werkzeug.http import HTTP_STATUS_CODES

PAGE = "/docs"  # explains each type under its name


class Problem(NamedTuple):
    """A status, when it is answered, and what helps."""

    status: int
    when: str
    remedy: str
    name: str = ""
    summary: str = ""

    @property
    def type(self) -> str:
        """Return what the answer calls it: a relative reference with its whole path."""
        return f"{PAGE}#{self.name}" if self.name else "about:blank"

    @property
    def title(self) -> str:
        return self.summary or HTTP_STATUS_CODES.get(self.status, "Unknown Error")


NO_ROW_PRICED = Problem(
    422,
    "no row has a price",
    "`errors` has the reasons, row by row",
    name="no-row-priced",
    summary="No row has a price",
)
TOO_MANY_TO_EXPLAIN = Problem(
    422,
    "`explain` is asked for more houses than the limit",
    "send fewer houses at a time, or omit `explain`",
    name="too-many-to-explain",
    summary="Too many houses to explain",
)
CANNOT_EXPLAIN = Problem(
    503,
    "the model cannot explain its prices",
    "omit `explain`; the log of the service says what is wrong",
    name="cannot-explain",
    summary="The model cannot explain its prices",
)
PROBLEMS = (
    Problem(
        400,
        "the body is not strict JSON, or breaks off; a name in `Host` that is not a trusted one",
        "`detail` names line and column",
    ),
    Problem(
        401,
        "no API key, or an unknown or expired one, where keys are asked for",
        "send one, as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
    ),
    Problem(404, "no such path", "see the list of routes"),
    Problem(405, "the path has no such method", "`Allow` lists those it has"),
    Problem(
        408,
        "the body took longer than `ML_API_BODY_SECONDS`",
        "send it faster, or fewer houses at a time",
    ),
    Problem(
        413,
        "the body is over the limit, with a `Content-Length` or (8 MiB at most) without, or holds "
        "more than `ML_API_MAX_ROWS` houses",
        "send fewer houses at a time, or value the table with `regression-model predict`",
    ),
    Problem(
        415,
        "another content type, charset or any `Content-Encoding`",
        "send plain JSON in UTF-8",
    ),
    Problem(
        422,
        "no house, an empty list, an unknown key beside `inputs`, or `explain` that is not true or "
        "false",
        "`detail` says what is expected",
    ),
    NO_ROW_PRICED,
    TOO_MANY_TO_EXPLAIN,
    Problem(
        429,
        "more requests than the rate that is set",
        "`Retry-After` says in how many seconds the next is admitted",
    ),
    Problem(500, "a failure of the service", "its log has the reason under the `request_id`"),
    Problem(
        503,
        "there is no usable model; no API keys, or no store of rates, can be read",
        "retry after `Retry-After` seconds; the log of the service says what is wrong",
    ),
    CANNOT_EXPLAIN,
)


def of_status(status: int) -> Problem:
    """Return the general problem of a status."""
    known = (problem for problem in PROBLEMS if problem.status == status and not problem.name)
    return next(known, Problem(status, "", ""))
