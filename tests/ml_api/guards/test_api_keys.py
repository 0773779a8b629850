"""Keys are asked for on every route that is not open, and change without a restart."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml_api.guards import admission as guards
from ml_api.guards import key_guard, paths
from ml_api.guards.keys import Keys, KeysUnusable, main, new_key, read_keys

MakeApp = Callable[..., Flask]
LogLines = Callable[..., list[dict[str, Any]]]
Serve = Callable[..., Any]

PREDICT = "/v1/regression-model/predict"
OPEN, KEYLESS, GUARDED = "open", "without a key", "guarded"

# What is decided for each route. A new one belongs in here, and is guarded until it is.
DECISIONS = {
    "/health": OPEN,
    "/ready": OPEN,
    "/version": GUARDED,
    "/v1/regression-model/schema": GUARDED,
    PREDICT: GUARDED,
    "/v1/predict": GUARDED,
    "/metrics": GUARDED,
    "/openapi.json": KEYLESS,
    "/docs": KEYLESS,
    "/docs/<asset>": KEYLESS,
}


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


@pytest.fixture
def key(key_file: Path) -> str:
    """The key of ``valuer``, which is in the file."""
    key, line = new_key("valuer")
    key_file.write_text(line)
    return key


@pytest.fixture
def guarded(make_app: MakeApp, key: str, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A service that looks at the file of keys with each request."""
    monkeypatch.setattr(key_guard, "LOOK_SECONDS", 0.0)
    return make_app(ML_API_KEYS_FILE=str(key_file))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def status(app: Flask, key: str) -> int:
    return app.test_client().get("/version", headers=bearer(key)).status_code


def test_there_is_a_decision_for_every_route(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules()} <= set(DECISIONS)
    assert {path for path, decision in DECISIONS.items() if decision == OPEN} == paths.OPEN_PATHS
    for path, decision in DECISIONS.items():
        assert paths.wants_key(path) is (decision == GUARDED)


def test_every_route_and_method_but_the_open_ones_asks_for_a_key(guarded: Flask, key: str) -> None:
    client = guarded.test_client()
    asked = 0
    for rule in guarded.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS"}:
            without = client.open(rule.rule, method=method).status_code
            given = client.open(rule.rule, method=method, headers=bearer(key)).status_code
            assert (without == 401) is (DECISIONS[rule.rule] == GUARDED), (method, rule.rule)
            assert given != 401, (method, rule.rule)
            asked += 1

    assert asked > 5


@pytest.mark.parametrize("path", ["/", "/nothing", "/health/", "/static/x", "/HEALTH"])
def test_a_path_that_does_not_exist_asks_for_a_key_too(guarded: Flask, path: str) -> None:
    assert guarded.test_client().get(path).status_code == 401


@pytest.mark.parametrize(
    "headers", [bearer("KEY"), {"X-API-Key": "KEY"}, {"Authorization": "bearer  KEY"}]
)
def test_a_key_opens_by_either_header(
    guarded: Flask, key: str, houses: list[dict[str, Any]], headers: dict[str, str]
) -> None:
    sent = {name: value.replace("KEY", key) for name, value in headers.items()}

    answer = guarded.test_client().post(PREDICT, json=houses, headers=sent)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "KEY"},
        {"Authorization": "Basic KEY"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer KEYx"},
        {"Authorization": "Bearer KEY, Bearer KEY"},
        {"Authorization": "Bearer KEY", "X-API-Key": "another"},
        {"X-API-Key": ""},
        {"X-API-Key": "\xe9" * 40},
        {"X-API-Key": "HASH"},
        {"Cookie": "X-API-Key=KEY"},
    ],
)
def test_anything_else_is_401_with_a_challenge(
    guarded: Flask, key: str, key_file: Path, headers: dict[str, str]
) -> None:
    digest = key_file.read_text().split()[1]
    sent = {n: v.replace("KEY", key).replace("HASH", digest) for n, v in headers.items()}

    answer = guarded.test_client().post(PREDICT, json={}, headers=sent)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="regression model"')
    assert answer.content_type == "application/problem+json"
    assert key not in answer.text


def test_a_key_in_the_address_opens_nothing(guarded: Flask, key: str) -> None:
    assert guarded.test_client().get(f"/version?api_key={key}&key={key}").status_code == 401


def test_the_log_names_the_client_and_not_the_key(
    guarded: Flask, key: str, houses: list[dict[str, Any]], log_lines: LogLines
) -> None:
    client = guarded.test_client()
    client.post(PREDICT, json=houses, headers=bearer(key))
    client.get("/version", headers=bearer(key[:-1]))
    client.get("/nothing", headers=bearer(key))

    lines = log_lines()
    named = [line["client"] for line in lines if line["event"].startswith("predict.")]
    assert named == ["valuer", "valuer"]
    assert [line.get("client") for line in lines if line["event"] == "request.refused"] == [
        None,
        "valuer",
    ]
    assert key[3:-1] not in json.dumps(lines)


def test_keys_are_rotated_without_a_restart(guarded: Flask, key: str, key_file: Path) -> None:
    new, line = new_key("valuer")
    assert (status(guarded, key), status(guarded, new)) == (200, 401)

    key_file.write_text(key_file.read_text() + line)
    assert (status(guarded, key), status(guarded, new)) == (200, 200)

    key_file.write_text(line)
    assert (status(guarded, key), status(guarded, new)) == (401, 200)


@pytest.mark.parametrize("text", [None, "", "# no key\n", "garbage\n", "valuer 0123\n", "\x00\xff"])
def test_a_broken_file_leaves_the_keys_as_they_were(
    guarded: Flask, key: str, key_file: Path, log_lines: LogLines, text: str | None
) -> None:
    assert status(guarded, key) == 200
    good = key_file.read_text()
    log_lines()

    if text is None:
        key_file.unlink()
    else:
        key_file.write_text(text, "latin-1")

    assert [status(guarded, key), status(guarded, key), status(guarded, "another")] == [
        200,
        200,
        401,
    ]
    assert len(log_lines("keys.unusable")) == 1
    key_file.write_text(good + new_key("other")[1])
    assert status(guarded, key) == 200
    assert len(log_lines("keys.loaded")) == 1


def test_the_file_is_looked_at_once_a_second_at_most(
    make_app: MakeApp, key: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    real = key_guard.file_version
    monkeypatch.setattr(key_guard, "file_version", lambda path: looks.append(path) or real(path))
    app = make_app(ML_API_KEYS_FILE=str(key_file))

    assert {status(app, key) for _ in range(20)} == {200}
    assert len(looks) <= 2


def test_without_any_key_nothing_is_answered(make_app: MakeApp, tmp_path: Path) -> None:
    client = make_app(ML_API_KEYS_FILE=str(tmp_path / "nothing")).test_client()

    answer = client.get("/version", headers=bearer("x"))

    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert client.get("/health").status_code == 200


def test_a_new_process_takes_the_keys_last_found_good(
    make_app: MakeApp, key: str, key_file: Path, tmp_path: Path
) -> None:
    settings = {"ML_API_KEYS_FILE": str(key_file), "ML_API_LAST_GOOD": str(tmp_path / "kept")}
    assert status(make_app(**settings), key) == 200
    assert (tmp_path / "kept" / "api-keys").stat().st_mode & 0o777 == 0o600

    key_file.write_text("garbage")

    assert status(make_app(**settings), key) == 200
    assert status(make_app(**settings), "another") == 401


def test_a_key_ends_with_its_last_day() -> None:
    key, line = new_key("valuer", last="2027-01-31")
    keys = Keys(line, source="keys.txt")
    end = datetime(2027, 2, 1, tzinfo=UTC).timestamp()

    assert keys.name_of(key, end - 1) == "valuer"
    assert keys.name_of(key, end) is None


def test_an_expired_key_is_refused(guarded: Flask, key_file: Path) -> None:
    key, line = new_key("valuer", last="2020-01-01")
    key_file.write_text(line)

    assert status(guarded, key) == 401


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no key"),
        ("\n# nothing\n", "holds no key"),
        ("valuer", "line 1: expected a name, the SHA-256"),
        ("# a\nvaluer rm_secret", "line 2: expected a name, the SHA-256"),
        ("valuer " + "A" * 64, "line 1: expected a name, the SHA-256"),
        ("val/uer " + "a" * 64, "line 1: a name has 1 to 64"),
        (f"valuer {'a' * 64} tomorrow", "line 1: the last day of a key is written like"),
        (f"valuer {'a' * 64} 2027-01-31 x", "line 1: expected a name"),
        (f"valuer {'a' * 64}\nother {'a' * 64}", "line 2: this key is there twice"),
    ],
)
def test_an_unusable_file_is_refused_by_line(key_file: Path, text: str, reason: str) -> None:
    key_file.write_text(text)

    with pytest.raises(KeysUnusable, match=f"{re.escape(str(key_file))}.*{reason}") as refused:
        read_keys(key_file)

    assert "secret" not in str(refused.value)


def test_comments_and_blank_lines_are_left_out() -> None:
    key, line = new_key("valuer")

    keys = Keys(f"# keys\n\n  {line.strip()}  # since March\n", source="keys.txt")

    assert keys.name_of(key, 0.0) == "valuer"
    assert keys.name_of("", 0.0) is None


def test_the_command_makes_a_key_that_opens(
    guarded: Flask, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file.write_text(key_file.read_text().strip())  # the last line without its end
    main(["partner", "--file", str(key_file), "--expires", "2999-12-31"])
    made = capsys.readouterr().out.strip()

    assert status(guarded, made) == 200
    assert made not in key_file.read_text()
    assert [line.split()[0] for line in key_file.read_text().splitlines()] == ["valuer", "partner"]
    assert len(made) >= 43


def test_the_command_makes_a_file_for_its_owner_alone(key_file: Path) -> None:
    command = [sys.executable, "-m", "ml_api.guards.keys"]
    path = str(Path(guards.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])}
    made = subprocess.run(
        [*command, "a", "--file", str(key_file)],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (made.returncode, made.stderr) == (0, "")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert read_keys(key_file).name_of(made.stdout.strip(), 0.0) == "a"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["a b"], "a name has 1 to 64"), (["a", "--expires", "soon"], "written like 2027-01-31")],
)
def test_the_command_refuses_what_the_file_would(
    key_file: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, "--file", str(key_file)])

    assert reason in capsys.readouterr().err
    assert not key_file.exists()


@pytest.mark.process
def test_a_reload_onto_a_broken_file_changes_nothing(
    serve: Serve, key: str, key_file: Path
) -> None:
    def ask(given: str) -> int:
        code: int = server.ask("GET", "/version", headers=bearer(given))[0]
        return code

    with serve(ML_API_KEYS_FILE=str(key_file), WEB_CONCURRENCY="2") as server:
        assert (ask(key), ask("another")) == (200, 401)
        key_file.write_text("garbage")
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.stderr.read_text().count("Booting worker") == 4)

        assert {ask(key) for _ in range(20)} == {200}
        assert ask("another") == 401
        assert server.process.poll() is None


def test_a_challenge_can_be_answered_by_a_client_that_knows_only_the_standard(
    guarded: Flask,
) -> None:
    client: FlaskClient = guarded.test_client()

    challenges = [client.get("/version", headers=h).www_authenticate for h in ({}, bearer("wrong"))]

    assert [c.type for c in challenges] == ["bearer", "bearer"]
    assert [c.parameters.get("error") for c in challenges] == [None, "invalid_token"]
