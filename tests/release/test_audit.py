"""The audit asks for every package that is installed, and fails otherwise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tools.release import audit as audit_tool

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "serving.txt"
LIBRARIES = ("click", "itsdangerous", "markupsafe")


class Advisories(BaseHTTPRequestHandler):
    """A stand-in for the advisory service, which speaks OSV and knows what a test tells it."""

    vulnerable: str
    status: int
    asked: list[str]

    def do_POST(self) -> None:  # the name is the library's
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = question["package"]["name"]
        self.asked.append(f"{name} {question['version']}")
        package = {"ecosystem": "PyPI", "name": name}
        events = [{"introduced": "0"}, {"fixed": "99.1"}]
        affected = {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        known = {"id": "GHSA-test", "summary": "of the tests", "affected": [affected]}
        body = json.dumps({"vulns": [known]} if name == self.vulnerable else {}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def advisories() -> Iterator[Any]:
    Advisories.vulnerable, Advisories.status, Advisories.asked = "", 200, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def short_lock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three libraries of the lock with their hashes, for speed."""
    text = LOCK.read_text("utf-8") + "\n#"
    pins = [re.findall(rf"^{name}==.*?(?=^\S)", text, re.M | re.S)[0] for name in LIBRARIES]
    path: Path = tmp_path_factory.mktemp("lock") / "serving.txt"
    path.write_text("".join(pins), "utf-8")
    return path


def run_audit(lock: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.release.audit", lock],
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def audit(short_lock: Path, advisories: Any) -> Callable[[], Any]:
    settings = {
        "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
        "PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{advisories.server_port}/v1/query",
    }
    return partial(run_audit, short_lock, **settings)


def test_what_nobody_warns_of_passes_and_each_package_was_asked_for(
    audit: Callable[[], Any],
) -> None:
    ended = audit()

    assert ended.returncode == 0, ended.stderr
    assert "3 packages of serving.txt audited" in ended.stdout
    assert {asked.split()[0].lower() for asked in Advisories.asked} == set(LIBRARIES)


def test_a_vulnerable_package_fails_by_name_with_the_remedy(audit: Callable[[], Any]) -> None:
    Advisories.vulnerable = "click"

    ended = audit()

    assert ended.returncode == 1
    assert re.search(
        r"^audit: known as vulnerable: click \S+: GHSA-test \(fixed in 99\.1\)$", ended.stderr, re.M
    )


def test_a_service_that_does_not_answer_fails(audit: Callable[[], Any]) -> None:
    Advisories.status = 503

    ended = audit()

    assert ended.returncode == 1
    assert ended.stderr.startswith("audit: pip-audit did not report:")


def test_a_lock_that_cannot_be_installed_fails(short_lock: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(re.sub(r"sha256:....", "sha256:0000", short_lock.read_text()))

    ended = run_audit(wrong)

    assert ended.returncode == 1
    assert "wrong.txt could not be installed" in ended.stderr
    assert "HASHES" in ended.stderr


SOUND = {"name": "Click", "version": "8.5", "vulns": []}
SKIPPED = {"name": "flask", "skip_reason": "Dependency not found on PyPI."}


@pytest.mark.parametrize(
    ("installed", "told", "reason"),
    [
        (set(), [], "nothing was installed"),
        ({"click 8.5"}, [], r"0 of 1 installed packages were audited; not click 8\.5"),
        (
            {"click 8.5", "flask 3.1"},
            [SKIPPED, {**SKIPPED, "name": "click"}],
            r"0 of 2 .*; not click 8\.5, flask 3\.1\. Dependency not found on PyPI\.",
        ),
        ({"click 8.5", "flask 3.1"}, [SOUND, SKIPPED], r"1 of 2 .*; not flask 3\.1\."),
        ({"click 8.4"}, [SOUND], r"1 of 1 .*; not click 8\.4"),
    ],
)
def test_an_audit_that_left_something_out_fails(
    installed: set[str], told: list[Any], reason: str
) -> None:
    with pytest.raises(audit_tool.Refused, match=reason):
        audit_tool.check(installed, {"dependencies": told})


def test_every_lock_of_the_service_is_audited_by_default() -> None:
    locks = audit_tool.LOCKS

    assert {lock.name for lock in locks} == {path.name for path in LOCK.parent.glob("serving*.txt")}
    assert LOCK in locks
