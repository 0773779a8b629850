"""Ask the service on ``$PORT`` for the price of a house of the bundled sample, once it is ready."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import time

from regression_model import load_model
from regression_model.training.sample import generate

PATH = "/v1/regression-model/predict"
PATIENCE_SECONDS = 60


def main() -> None:
    """Print the request as a command to repeat, and the answer."""
    port = int(os.environ.get("PORT", "5000"))
    wait_until_ready(port)
    body = json.dumps(house())
    status, answer = ask(port, "POST", PATH, body)
    print(
        f"\n$ curl http://localhost:{port}{PATH} -H 'Content-Type: application/json'"
        f" -d {shlex.quote(body)}"
        f"\n{answer}\n(status {status}; the service stays up until Ctrl-C)\n",
        flush=True,
    )


def house() -> dict[str, object]:
    """A house of the bundled sample, without what is not known of it."""
    spec = load_model().spec
    row = generate(1, seed=spec.seed, spec=spec).drop(columns=spec.target.name)
    known: dict[str, object] = json.loads(row.to_json(orient="records"))[0]
    return {name: value for name, value in known.items() if value is not None}


def wait_until_ready(port: int) -> None:
    """Return once ``/ready`` answers 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if ask(port, "GET", "/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"the service on port {port} is not ready after {PATIENCE_SECONDS} seconds")


def ask(port: int, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Status and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
