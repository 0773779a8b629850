"""What answers say to browsers, and which names, proxies and pages of others are trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from ml_api.headers import SECURITY_HEADERS

MakeApp = Callable[..., Flask]
Serve = Callable[..., Any]

PREDICT = "/v1/regression-model/predict"
ORIGIN = "https://app.example.com"
# What the contract and its page set themselves: they have an ETag, and the page has scripts.
OWN = {"/openapi.json": {"Cache-Control"}, "/docs": {"Cache-Control", "Content-Security-Policy"}}


def test_every_answer_carries_the_headers_of_security(
    client: FlaskClient, app: Flask, houses: list[dict[str, Any]]
) -> None:
    answers = [
        client.open(rule.rule, method=method)
        for rule in app.url_map.iter_rules()
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE")
    ]
    answers += [client.post(PREDICT, json=houses), client.get("/nothing"), client.get("/%ff")]

    assert {200, 404, 405, 415} <= {answer.status_code for answer in answers}
    for answer in answers:
        own = OWN.get(answer.request.path, set()) if answer.status_code == 200 else set()
        for name, value in SECURITY_HEADERS:
            found = answer.headers.getlist(name)
            assert len(found) == 1, (answer.request.path, name)
            assert name in own or found == [value], (answer.request.path, name)


def test_they_forbid_what_an_api_has_no_use_for() -> None:
    headers = dict(SECURITY_HEADERS)

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert set(headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
    }


def test_a_page_may_set_its_own(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/page")
    def page() -> Response:
        return Response("", headers={"Content-Security-Policy": "default-src 'self'"})

    found = app.test_client().get("/page").headers

    assert found.getlist("Content-Security-Policy") == ["default-src 'self'"]
    assert found["Cache-Control"] == "no-store"


def test_the_server_names_no_version(serve: Serve, houses: list[dict[str, Any]]) -> None:
    request = b"%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with serve() as server:
        heads = [
            server.send(request % line).partition(b"\r\n\r\n")[0].decode()
            for line in (b"GET /version", b"GET /nothing", f"POST {PREDICT}".encode())
        ]

    for head in heads:
        assert "\r\nServer: gunicorn\r\n" in head
        assert "Werkzeug" not in head
        assert "Python" not in head


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example.com", 200),
        ("API.example.com:8443", 200),
        ("any.internal", 200),
        ("deep.any.internal:1", 200),
        ("internal", 200),
        ("127.0.0.1:5000", 200),
        ("[::1]:5000", 400),
        ("example.com", 400),
        ("evil.com", 400),
        ("api.example.com.evil.com", 400),
        ("evil.com/api.example.com", 400),
        ("xinternal", 400),
        ("api.example.com:99999", 400),
        ("", 400),
    ],
)
def test_only_trusted_names_are_answered(
    make_app: MakeApp, houses: list[dict[str, Any]], host: str, status: int
) -> None:
    app = make_app(ML_API_TRUSTED_HOSTS="Api.example.com, .internal,127.0.0.1")
    named = {"HTTP_HOST": host, "HTTP_X_FORWARDED_HOST": "api.example.com"}
    client = app.test_client()

    answers = [
        client.get("/version", environ_overrides=named),
        client.post(PREDICT, json=houses, environ_overrides=named),
    ]

    assert [answer.status_code for answer in answers] == [status] * 2
    assert status == 200 or "Host" in json.loads(answers[0].data)["detail"]
    assert client.get("/ready", environ_overrides=named).status_code == 200


def test_any_name_is_answered_by_default(client: FlaskClient) -> None:
    assert client.get("/version", headers={"Host": "anything.example"}).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "scheme", "believed"),
    [
        ("0", "https", "http"),
        ("1", "https", "https"),
        ("1", "https, http", "http"),
        ("2", "https", "http"),
        ("2", "https, http", "https"),
    ],
)
def test_of_what_trusted_proxies_say_only_address_and_scheme_are_believed(
    make_app: MakeApp, proxies: str, scheme: str, believed: str
) -> None:
    said = {"Proto": scheme, "Host": "evil.example", "Port": "1", "Prefix": "/x", "Ssl": "off"}
    app = make_app(ML_API_TRUSTED_PROXIES=proxies)

    page = app.test_client().get(
        "/docs",
        headers={"Host": "h", **{f"X-Forwarded-{name}": value for name, value in said.items()}},
    )

    assert re.findall(r"\S+://\S+/predict", page.text)[0] == f"{believed}://h{PREDICT}"


def test_no_page_of_another_origin_is_let_in_by_default(client: FlaskClient) -> None:
    answers = [
        client.options(
            PREDICT, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        ),
        client.get("/version", headers={"Origin": ORIGIN}),
    ]

    for answer in answers:
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


def test_pages_of_a_listed_origin_may_ask_and_read(
    make_app: MakeApp, houses: list[dict[str, Any]], tmp_path: Any
) -> None:
    from ml_api.guards.keys import new_key

    key, line = new_key("page")
    (tmp_path / "keys").write_text(line)
    settings = {
        "ML_API_CORS_ORIGINS": f"http://localhost:3000, {ORIGIN}",
        "ML_API_KEYS_FILE": str(tmp_path / "keys"),
    }
    client = make_app(**settings).test_client()

    asked = client.options(
        PREDICT,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    answer = client.post(
        PREDICT, json=houses, headers={"Origin": ORIGIN, "Authorization": f"Bearer {key}"}
    )
    refused = client.post(PREDICT, json=houses, headers={"Origin": ORIGIN})

    assert asked.status_code == 200
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "Content-Type"} <= set(
        asked.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert [answer.status_code, refused.status_code] == [200, 401]
    for shared in (asked, answer, refused):
        assert shared.headers.getlist("Access-Control-Allow-Origin") == [ORIGIN]
        assert shared.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in shared.headers
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "null",
        ORIGIN + ".evil.com",
        ORIGIN + ":444",
        "http://app.example.com",
        "",
    ],
)
def test_pages_of_other_origins_may_not(make_app: MakeApp, origin: str) -> None:
    client = make_app(ML_API_CORS_ORIGINS=ORIGIN).test_client()

    answer = client.get("/version", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"
