"""One house, asked and answered: in process and over HTTP, beside the floor.

    python benchmarks/serving.py --artifact DIR

Prints a Markdown table of medians. The floor is a Flask app that answers a constant under the
same gunicorn settings; the peer is the fitted scikit-learn pipeline fed a one-row DataFrame.
Rounds are interleaved, so that a noisy machine troubles all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from pydantic_core import to_json

from regression_model import Model, load_model
from regression_model.training.persistence import load_pipeline
from regression_model.training.sample import generate

ROOT = Path(__file__).resolve().parents[1]
CONSTANT = """
from flask import Flask, Response
app = Flask(__name__)
ANSWER = {answer!r}
@app.post("/v1/predict")
def predict():
    return Response(ANSWER, content_type="application/json")
@app.get("/health")
def health():
    return "ok"
"""
ROUNDS, CALLS = 15, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--artifact", type=Path, required=True)
    arguments = parser.parse_args()
    model = load_model(arguments.artifact)
    row = generate(1, spec=model.spec).drop(columns=model.spec.target.name)
    house = json.loads(row.to_json(orient="records"))[0]
    body = json.dumps({"inputs": [house]}).encode()
    answer = to_json(model.predict_json(body))
    with _servers(arguments.artifact, answer) as (ours, constant):
        measured = _interleaved(
            {
                "in process: request bytes to response bytes": lambda: to_json(
                    model.predict_json(body)
                ),
                "in process: scikit-learn pipeline on a DataFrame": _through_pandas(model, house),
                "HTTP, 1 client: this API": _client(ours, body),
                "HTTP, 1 client: constant-answering Flask": _client(constant, body),
            }
        )
        print("| one house | median |\n|---|---|")
        for name, seconds in measured.items():
            print(f"| {name} | {_readable(seconds)} |")
        if shutil.which("wrk"):
            for name, rate in _throughput({"this API": ours, "constant": constant}, body).items():
                print(f"| HTTP, 8 clients: {name} | {rate:,.0f} requests/s |")


def _through_pandas(model: Model, house: dict[str, object]) -> Callable[[], object]:
    pipeline = load_pipeline(model.artifact)
    frame = pd.DataFrame([house])
    return lambda: pipeline.predict(frame)


def _interleaved(candidates: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            call()
            for _ in range(CALLS if "DataFrame" not in name else 5):
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def _servers(artifact: Path, answer: bytes) -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "constant.py").write_text(CONSTANT.format(answer=answer))
        environment = {**os.environ, "REGRESSION_MODEL_ARTIFACT": str(artifact.resolve())}
        ours, constant = _free_port(), _free_port()
        processes = [
            _gunicorn("ml_api.wsgi:app", ours, environment, ROOT),
            _gunicorn("constant:app", constant, {**environment, "PYTHONPATH": folder}, ROOT),
        ]
        try:
            for port in (ours, constant):
                _wait(port)
            yield ours, constant
        finally:
            for process in processes:
                process.terminate()
                process.wait(30)


def _gunicorn(
    app: str, port: int, environment: dict[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    hook = [] if app.startswith("ml_api") else ["-c", "python:benchmarks.plain_gunicorn"]
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *hook, app],
        cwd=folder,
        env={**environment, "PORT": str(port), "WEB_CONCURRENCY": "1"},
        stdout=subprocess.DEVNULL,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            _client(port, b"{}", path="/health", method="GET")()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server on port {port} did not start")


def _client(
    port: int, body: bytes, *, path: str = "/v1/predict", method: str = "POST"
) -> Callable[[], bytes]:
    """A keep-alive client thin enough not to be what is measured."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    connection: list[socket.socket] = []

    def ask() -> bytes:
        if not connection:
            connection.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        connection[0].sendall(request)
        received = connection[0].recv(65536)
        while b"\r\n\r\n" not in received or not _complete(received):
            received += connection[0].recv(65536)
        if not received.startswith(b"HTTP/1.1 200"):
            raise OSError(received[:200])
        return received

    return ask


def _complete(received: bytes) -> bool:
    head, _, content = received.partition(b"\r\n\r\n")
    length = next(
        line.split(b":")[1]
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return len(content) >= int(length)


def _throughput(ports: dict[str, int], body: bytes) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in ports}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = {json.dumps(body.decode())}\n"
        )
        script.flush()
        for _ in range(3):
            for name, port in ports.items():
                url = f"http://127.0.0.1:{port}/v1/predict"
                command = ["wrk", "-t1", "-c8", "-d4s", "-s", script.name, url]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                rate = done.stdout.partition("Requests/sec:")[2].split()[0]
                rates[name].append(float(rate))
    return {name: statistics.median(values) for name, values in rates.items()}


def _readable(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


if __name__ == "__main__":
    main()
