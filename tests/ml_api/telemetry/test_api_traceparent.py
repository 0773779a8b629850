"""The trace of a request is in every line of its log, if its header keeps the W3C's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from ml_api.telemetry.traceparent import read_trace

LogLines = Callable[..., list[dict[str, Any]]]

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    "header",
    [
        VALID,
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-03",  # level 2: the random flag
        f"00-{TRACE}-{PARENT}-ff",  # flags that nobody knows yet
        f"01-{TRACE}-{PARENT}-01",  # a version of the future, read as the first
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be",
        f"fe-{TRACE}-{PARENT}-01-",
    ],
)
def test_a_valid_header_names_trace_and_parent(header: str) -> None:
    assert read_trace(header) == {"trace_id": TRACE, "parent_span_id": PARENT}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "-",
        "garbage",
        f"ff-{TRACE}-{PARENT}-01",  # a version that is never valid
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{TRACE}-{PARENT}-0A",
        f"0A-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",  # the first version ends with its flags
        f"00-{TRACE}-{PARENT}-01-",
        f"01-{TRACE}-{PARENT}-01.more",
        f"01-{TRACE}-{PARENT}-011",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE[:-1]}.-{PARENT}-01",
        f"0-{TRACE}-{PARENT}-01",
        f"000-{TRACE}-{PARENT}-01",
        f"00_{TRACE}_{PARENT}_01",
        f" {VALID}",
        f"{VALID}\n",
        f"{VALID},{VALID}",  # sent twice
        f"00-{chr(0x660) * 32}-{PARENT}-01",
    ],
)
def test_any_other_header_is_left_aside(header: str) -> None:
    assert read_trace(header) == {}


def test_every_line_of_a_request_names_its_trace(
    client: FlaskClient, houses: list[dict[str, Any]], log_lines: LogLines
) -> None:
    client.get("/ready")
    log_lines()

    answer = client.post("/v1/predict", json=houses[0], headers={"traceparent": VALID})
    client.get("/nothing", headers={"traceparent": VALID})
    client.get("/nothing", headers={"traceparent": f"ff{VALID[2:]}"})
    client.get("/nothing")

    lines = log_lines()
    traced = [(line.get("trace_id"), line.get("parent_span_id")) for line in lines]
    assert [line["event"] for line in lines] == [
        "predict.input",
        "predict.output",
        *["request.refused"] * 3,
    ]
    assert traced == [(TRACE, PARENT)] * 3 + [(None, None)] * 2
    # Requests of the same trace are told apart by ids of their own.
    assert answer.headers["X-Request-ID"] == lines[0]["request_id"] == lines[1]["request_id"]
    assert len({line["request_id"] for line in lines} - {TRACE}) == 4


def test_an_id_that_is_given_stands_beside_the_trace(
    client: FlaskClient, log_lines: LogLines
) -> None:
    headers = {"traceparent": VALID, "X-Request-ID": "mine"}

    answer = client.get("/nothing", headers=headers)

    (line,) = log_lines()
    assert answer.headers["X-Request-ID"] == line["request_id"] == "mine"
    assert line["trace_id"] == TRACE
