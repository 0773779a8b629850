"""The servers that are compared: one file for each says how it starts, is asked and answers.

Only the standard library is imported here. The code of a peer runs in its own environment and is
in ``benchmarks/apps``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

House = dict[str, Any]
OURS, FLOOR = "ours", "constant"
STANDING = (OURS, FLOOR, "flask")  # these need nothing that the project has not
NAMES = (*STANDING, "mlflow", "bentoml", "mlserver", "vetiver")


class Server(NamedTuple):
    """What there is to know of a server.

    ``command`` and ``prepare`` (run once, before the first start) may hold ``{python}``, ``{bin}``
    (the folder of the environment's scripts), ``{port}`` and ``{work}`` (a folder of its own).
    Both run with one worker and one thread for arithmetic. ``body`` is the JSON that asks for a
    house, ``price`` finds the answer's. ``library`` is the distribution whose version is told;
    ``extras`` are those of the package that it needs, ``pinned`` whether anything beyond them
    is in the ``.txt`` file beside its own.
    """

    title: str
    setting: str
    command: tuple[str, ...]
    path: str
    body: Callable[[House], Any]
    price: Callable[[Any], float]
    library: str
    extras: str = "train"
    pinned: bool = True
    prepare: tuple[str, ...] = ()


def server(name: str) -> Server:
    """The server called ``name``, one of ``NAMES``."""
    found: Server = import_module(f"benchmarks.peers.{name}").SERVER
    return found


def first_prediction(answer: Any) -> float:
    """The price in an answer that calls its list ``predictions``."""
    return float(answer["predictions"][0])
