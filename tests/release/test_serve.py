"""``tox -e serve`` asks the service that it starts, and no other that is there already."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tools.ask_for_a_price import check_port

TOX = (Path(__file__).resolve().parents[2] / "tox.ini").read_text("utf-8")


def test_a_port_on_which_another_server_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^port {port} cannot be used: Address already in"):
            check_port(port)

    check_port(port)
    check_port(port)


def test_the_port_is_looked_at_before_the_service_is_started() -> None:
    serve = TOX.partition("[testenv:serve]")[2].partition("\n[")[0]

    assert 0 < serve.index("--check-port") < serve.index("exec gunicorn")
