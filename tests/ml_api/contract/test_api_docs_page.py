"""The page of the contract: all it needs comes from here, and what it tells people to type works."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_api.contract import snippets
from ml_api.problems import PROBLEMS
from ml_api.routes.documentation import ASSETS

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="module")
def page(app: Flask) -> str:
    answer = app.test_client().get("/docs")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def code_of(page: str, name: str) -> str:
    """What the page shows as code under ``name``, as people would copy it."""
    (found,) = re.findall(rf'<pre id="{name}"><code>(.*?)</code></pre>', page, re.S)
    return html.unescape(found)


def test_it_is_html_of_the_model_that_is_in_service(client: FlaskClient, page: str) -> None:
    versions = client.get("/version").get_json()

    assert client.get("/docs").content_type == "text/html; charset=utf-8"
    assert f"API {versions['api_version']}, model {versions['model_version']}" in page
    assert "trained on generated houses" in page


def test_it_loads_its_own_files_only(client: FlaskClient, page: str) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)

    assert {f"docs/{name}" for name in ASSETS} | {"openapi.json"} == set(loaded)
    for address in loaded:
        assert client.get(f"/{address}").status_code == 200, address
    assert "<script>" not in page
    assert "<style" not in page
    assert "style=" not in page


def test_its_policy_allows_nothing_from_elsewhere(client: FlaskClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules.keys() & {"script-src", "style-src", "connect-src"} == set()
    assert {source for rule in rules.values() for source in rule.split()} == {
        "'self'",
        "'none'",
        "data:",
    }


@pytest.mark.parametrize("name", ASSETS)
def test_its_files_are_whole_and_asked_for_again_by_name(client: FlaskClient, name: str) -> None:
    first = client.get(f"/docs/{name}")
    again = client.get(f"/docs/{name}", headers={"If-None-Match": first.headers["ETag"]})

    assert first.status_code == 200
    assert len(first.data) == int(first.headers["Content-Length"]) > 200
    assert first.mimetype == ASSETS[name][2]
    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "name", ["LICENSE", "index.css", "../VERSION", "..%2fVERSION", "docs.js/", "%00", "docs.html"]
)
def test_no_other_file_can_be_had(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/docs/{name}")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_host_that_is_markup_stays_text(client: FlaskClient) -> None:
    answer = client.get("/docs", headers={"Host": '"><script>alert(1)</script>'})

    assert "<script>alert" not in answer.text


def test_every_problem_is_explained_where_its_type_points_to(page: str) -> None:
    named = [problem for problem in PROBLEMS if problem.name]

    assert named
    for problem in named:
        path, _, anchor = problem.type.partition("#")
        assert path == "/docs"
        assert page.count(f'id="{anchor}"') == 1
    for problem in PROBLEMS:
        assert html.escape(problem.when.replace("`", "")) in page


# What people type


def test_the_command_gets_a_price(client: FlaskClient, page: str) -> None:
    program, *arguments = shlex.split(code_of(page, "curl").replace("\\\n", " "))
    assert program == "curl"
    url = next(argument for argument in arguments if argument.startswith("http"))
    name, _, value = arguments[arguments.index("-H") + 1].partition(": ")

    answer = client.post(
        url.removeprefix("http://localhost"),
        data=arguments[arguments.index("-d") + 1],
        headers={name: value},
    )

    assert answer.status_code == 200
    assert answer.get_json()["predictions"][0] > 0
    assert answer.get_json()["warnings"] == []


def test_the_program_and_the_command_get_a_price_of_a_real_server(
    serve: Any, tmp_path: Path
) -> None:
    with serve() as server:
        status, body = server.ask("GET", "/docs")
        assert status == 200
        page = body.decode()
        (tmp_path / "price.py").write_text(code_of(page, "python"))

        ended = run([sys.executable, "price.py"], tmp_path)
        if shutil.which("curl"):
            asked = run(["sh", "-c", code_of(page, "curl")], tmp_path)
            assert json.loads(asked)["predictions"][0] > 0

    assert re.fullmatch(r"\$[\d,]+, most likely \$[\d,]+ to \$[\d,]+\n", ended), ended


def run(command: list[str], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_program_says_why_it_got_no_price(serve: Any, tmp_path: Path) -> None:
    with serve() as server:
        _, body = server.ask("GET", "/docs")
        program = re.sub(
            r"^house = .*$", "house = {}", code_of(body.decode(), "python"), flags=re.M
        )
        (tmp_path / "price.py").write_text(program)
        ended = subprocess.run(
            [sys.executable, "price.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    assert ended.returncode == 1
    assert ended.stderr == (
        "No row has a price: Rows with a price: 0 of 1; the reasons are in errors.\n"
    )


def test_what_is_typed_holds_a_key_where_one_is_asked_for() -> None:
    contract = {
        "paths": {
            "/prices": {
                "post": {
                    "operationId": "predict",
                    "requestBody": {
                        "content": {"application/json": {"examples": {"x": {"value": {"it's": 1}}}}}
                    },
                    "security": [{"bearer": []}],
                }
            }
        }
    }

    call = snippets.call_of(contract, "http://here/")

    assert call.url == "http://here/prices"
    assert shlex.split(snippets.curl(call).replace("\\\n", " "))[2:] == [
        "http://here/prices",
        "-H",
        "Content-Type: application/json",
        "-H",
        "Authorization: Bearer YOUR-KEY",
        "-d",
        '{"it\'s": 1}',
    ]
    assert '"Authorization": "Bearer YOUR-KEY"' in snippets.python(call)
    compile(snippets.python(call), "price.py", "exec")
