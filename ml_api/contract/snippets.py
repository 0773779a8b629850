"""How to ask for a price, in the words of programs: written from the contract's own example."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

OPERATION = "predict"


class Call(NamedTuple):
    """A request for the price of one house."""

    url: str
    headers: dict[str, str]
    house: Mapping[str, Any]


def call_of(document: Mapping[str, Any], base: str) -> Call:
    """Return programs that send the first example of ``document`` to the service at ``base``."""
    path, said = next(
        (path, said)
        for path, methods in document["paths"].items()
        for said in methods.values()
        if said["operationId"] == OPERATION
    )
    ((media_type, content),) = said["requestBody"]["content"].items()
    house = next(iter(content["examples"].values()))["value"]
    headers = {"Content-Type": media_type}
    if "security" in said:
        headers["Authorization"] = "Bearer YOUR-KEY"
    return Call(base.rstrip("/") + path, headers, house)


def curl(call: Call) -> str:
    """Return one command for a shell."""
    headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers.items()]
    body = shlex.quote(json.dumps(call.house))
    return f"curl -s {shlex.quote(call.url)} {' '.join(headers)} \\\n  -d {body}\n"


def python(call: Call) -> str:
    """Return a program for Python's standard library, refusals included."""
    return f"""\
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

house = {json.dumps(call.house)}
request = Request(
    {json.dumps(call.url)},
    data=json.dumps({{"inputs": [house]}}).encode(),
    headers={json.dumps(call.headers)},
)
try:
    with urlopen(request, timeout=10) as response:
        answer = json.load(response)
except HTTPError as refusal:
    problem = json.load(refusal)
    raise SystemExit(f"{{problem['title']}}: {{problem['detail']}}") from None

price, (low, high) = answer["predictions"][0], answer["intervals"][0]
print(f"${{price:,.0f}}, most likely ${{low:,.0f}} to ${{high:,.0f}}")
"""
