"""What reaches the model is JSON, whole, and no larger than the limit."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ml_api.body import UNMEASURED_BYTES

MakeApp = Callable[..., Flask]

PREDICT = "/v1/regression-model/predict"
JSON = "application/json"
LIMIT = 100


@pytest.fixture(scope="module")
def small(make_app: MakeApp) -> FlaskClient:
    return make_app(ML_API_MAX_BODY_BYTES=str(LIMIT)).test_client()


def with_length(client: FlaskClient, body: bytes) -> TestResponse:
    return client.post(PREDICT, data=body, content_type=JSON)


def without_length(client: FlaskClient, body: bytes) -> TestResponse:
    """As a server that terminates the input hands over a chunked body."""
    return client.post(
        PREDICT,
        input_stream=io.BytesIO(body),
        content_type=JSON,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


class Breaking(io.RawIOBase):
    """A stream that gives a few bytes and then fails."""

    def __init__(self, error: Exception, given: bytes = b"[[[[[") -> None:
        self._error = error
        self._left = [given] if given else []

    def read(self, size: int = -1, /) -> bytes:
        if self._left:
            return self._left.pop()
        raise self._error


SENDERS = pytest.mark.parametrize("send", [with_length, without_length])


@SENDERS
@pytest.mark.parametrize("excess", [1, 2, 1000, 5_000_000])
def test_a_body_over_the_limit_is_refused(
    small: FlaskClient, send: Callable[[FlaskClient, bytes], TestResponse], excess: int
) -> None:
    answer = send(small, b"[]" + b" " * (LIMIT - 2 + excess))

    assert answer.status_code == 413
    assert f"{LIMIT} bytes" in json.loads(answer.data)["detail"]


def test_a_length_over_the_limit_is_refused_unread(small: FlaskClient) -> None:
    answer = small.post(
        PREDICT,
        content_type=JSON,
        environ_overrides={
            "wsgi.input": Breaking(AssertionError("read"), given=b""),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": str(LIMIT + 1),
        },
    )

    assert answer.status_code == 413


@SENDERS
def test_a_body_of_the_limit_reaches_the_model(
    small: FlaskClient, send: Callable[[FlaskClient, bytes], TestResponse]
) -> None:
    answer = send(small, b"[]" + b" " * (LIMIT - 2))

    assert answer.status_code == 422
    assert "empty" in json.loads(answer.data)["detail"]


def test_a_body_without_a_length_may_hold_less(client: FlaskClient) -> None:
    body = b"[]" + b" " * UNMEASURED_BYTES

    answers = [with_length(client, body), without_length(client, body)]

    assert [answer.status_code for answer in answers] == [422, 413]
    assert "Content-Length" in json.loads(answers[1].data)["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
    ],
)
def test_another_content_type_is_refused(client: FlaskClient, content_type: str | None) -> None:
    answer = client.post(PREDICT, data=b"{}", content_type=content_type)

    assert answer.status_code == 415
    assert "application/json" in json.loads(answer.data)["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "x", ""])
def test_an_encoded_body_is_refused(client: FlaskClient, encoding: str) -> None:
    answer = client.post(
        PREDICT, data=b"{}", content_type=JSON, headers={"Content-Encoding": encoding}
    )

    assert answer.status_code == 415
    assert "Content-Encoding" in json.loads(answer.data)["detail"]


def test_the_identity_encoding_is_none(client: FlaskClient, houses: list[dict[str, Any]]) -> None:
    answer = client.post(PREDICT, json=houses, headers={"Content-Encoding": "Identity"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), TimeoutError("slow"), RuntimeError("bad chunk")]
)
def test_a_body_that_breaks_off_is_no_failure_of_ours(
    client: FlaskClient, error: Exception
) -> None:
    answer = client.post(
        PREDICT,
        content_type=JSON,
        environ_overrides={"wsgi.input": Breaking(error), "wsgi.input_terminated": True},
    )

    assert answer.status_code == 400
    assert "body" in json.loads(answer.data)["detail"]
    assert str(error) not in answer.text


def test_a_body_shorter_than_its_length_is_refused(client: FlaskClient) -> None:
    answer = client.post(
        PREDICT,
        input_stream=io.BytesIO(b"[]"),
        content_type=JSON,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "10"},
    )

    assert answer.status_code == 400
    assert "Content-Length" in json.loads(answer.data)["detail"]
