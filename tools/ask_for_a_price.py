"""Ask the service on ``$PORT`` for the price of a house of the bundled sample, once it is ready.

With ``--check-port``, before the service is started, it ends with 1 where another program listens
there, since that program would be asked instead.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket

from regression_model import load_model
from regression_model.sales.sample import generate
from tools.measuring.local_server import JSON, PREDICT, ask, becomes_ready

PATIENCE_SECONDS = 60


def main() -> None:
    """Print the request as a command to repeat, and the answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check-port", action="store_true", help="only see that the port is free")
    port = int(os.environ.get("PORT", "5000"))
    if parser.parse_args().check_port:
        check_port(port)
        return
    if not becomes_ready(port, seconds=PATIENCE_SECONDS):
        raise SystemExit(
            f"the service on port {port} is not ready after {PATIENCE_SECONDS} seconds"
        )
    body = json.dumps(house())
    status, answer = ask(port, "POST", PREDICT, body=body, headers=JSON)
    print(
        f"\n$ curl http://localhost:{port}{PREDICT} -H 'Content-Type: application/json'"
        f" -d {shlex.quote(body)}"
        f"\n{answer.decode()}\n(status {status}; the service stays up until Ctrl-C)\n",
        flush=True,
    )


def check_port(port: int) -> None:
    """Return where the service can listen on the port."""
    try:
        socket.create_server(("0.0.0.0", port)).close()  # noqa: S104  # as gunicorn.conf.py does
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise SystemExit(f"port {port} cannot be used: {why}; PORT names another") from None


def house() -> dict[str, object]:
    """A house of the bundled sample, without what is not known of it."""
    spec = load_model().spec
    row = generate(1, seed=spec.seed, spec=spec).drop(columns=spec.target.name)
    known: dict[str, object] = json.loads(row.to_json(orient="records"))[0]
    return {name: value for name, value in known.items() if value is not None}


if __name__ == "__main__":
    main()
