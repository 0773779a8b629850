"""What the service answers to bad requests: starts it, sends them, prints a Markdown table.

    python -m benchmarks.bad_requests ARTIFACT

``ARTIFACT`` is an artifact's folder, or a folder with ``CURRENT``. Exits with 1 where an answer
differs from what ``bad_request_cases.py`` expects.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bad_request_cases import CASES, Material, material

ROOT = Path(__file__).resolve().parents[1]
PREDICT = "/v1/regression-model/predict"
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1_000_000


def padding(size: int) -> Iterator[bytes]:
    """``size`` bytes of white space, megabyte by megabyte."""
    for _ in range(size // MEGABYTE):
        yield b" " * MEGABYTE


@contextmanager
def service(artifact: str) -> Iterator[int]:
    """The real service on a free port, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "ml_api.wsgi:app"]
    settings = {
        **os.environ,
        "PORT": str(port),
        "REGRESSION_MODEL_ARTIFACT": str(Path(artifact).resolve()),
    }
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if ask(port, "GET", "/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"the service on port {port} was not ready in 30 seconds")


def ask(
    port: int, method: str, path: str, body: bytes | Iterator[bytes] | None = None, **headers: str
) -> tuple[int, bytes]:
    """One request on a connection of its own: status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        given = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        chunked = given.get("Transfer-Encoding") == "chunked"
        connection.request(method, path, body, given, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def message(status: int, content: bytes) -> str:
    """The part of an answer that a reader wants in a table."""
    answer = json.loads(content)
    issues = answer.get("errors") or answer.get("warnings") or []
    counts = ""
    if status == 200:
        prices = answer["predictions"]
        priced = sum(price is not None for price in prices)
        counts = f"{priced:,} of {len(prices):,} priced; " if len(prices) > 1 else "priced; "
    said = f"`{issues[0]['code']}`: {issues[0]['message']}" if issues else answer.get("detail", "")
    text = f"{counts}{said}".rstrip("; ").replace("|", "\\|")
    return text if len(text) <= 110 else f"{text[:109]}…"


def oversized(port: int) -> Iterator[tuple[str, int, bytes, bool]]:
    """50 MB with a length and without one."""
    size = 50 * MEGABYTE
    answers = {
        "50 MB body with a length": {"Content_Length": str(size)},
        "50 MB body without a length": {"Transfer_Encoding": "chunked"},
    }
    for name, headers in answers.items():
        status, content = ask(port, "POST", PREDICT, padding(size), **headers)
        yield name, status, content, status == 413


def small(port: int, given: Material) -> Iterator[tuple[str, int, bytes, bool]]:
    """Every one of ``CASES``."""
    for case in CASES:
        status, content = ask(port, "POST", PREDICT, case.make(given))
        yield case.name, status, content, case.answered_by(status, content)


def golden_houses(artifact: str) -> list[dict[str, Any]]:
    """The generated houses that an artifact carries, those that have a price."""
    folder = Path(artifact)
    if (folder / "CURRENT").exists():
        folder /= (folder / "CURRENT").read_text("utf-8").strip()
    golden = json.loads((folder / "golden.json").read_text("utf-8"))
    return [row["house"] for row in golden if row["prediction"] is not None]


def main() -> int:
    """Send every case and print the table; 1 where an answer is not the expected one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", metavar="ARTIFACT", help="folder of a trained artifact")
    artifact = parser.parse_args().artifact
    failed = 0
    with service(artifact) as port:
        schema = json.loads(ask(port, "GET", "/v1/regression-model/schema")[1])
        given = material(golden_houses(artifact), schema)
        print("| request | status | answer |\n|---|---|---|")
        for answers in (small(port, given), oversized(port)):
            for name, status, content, expected in answers:
                failed += not expected
                mark = "" if expected else " **(unexpected)**"
                print(f"| {name} | {status}{mark} | {message(status, content)} |")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
