"""Bad requests and the answers they must get.

No field of a house is named here: which are used follows from the model's schema.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

MANY_ROWS = 10_000
SPOILED_ROWS = frozenset(random.Random(2).sample(range(MANY_ROWS), 137))  # noqa: S311


class Material(NamedTuple):
    """What cases are made of: good houses, and the names of two of their fields."""

    houses: list[dict[str, Any]]
    area: str
    level: str

    def with_area(self, raw: str) -> bytes:
        """A good house whose area is the JSON text ``raw``."""
        return self._with(self.area, raw.encode())

    def with_level(self, raw: bytes) -> bytes:
        """A good house whose level is the JSON text ``raw``."""
        return self._with(self.level, raw)

    def _with(self, field: str, raw: bytes) -> bytes:
        rest = {name: value for name, value in self.houses[0].items() if name != field}
        return json.dumps(rest).encode()[:-1] + f', "{field}": '.encode() + raw + b"}"


class Case(NamedTuple):
    """A request body, and what its answer must have: a status and a code, or words of it."""

    name: str
    make: Callable[[Material], bytes]
    status: int
    says: str
    unpriced: frozenset[int] = frozenset()

    def answered_by(self, status: int, content: bytes) -> bool:
        """Whether an answer is the expected one, each price and each null in its place."""
        if status != self.status or self.says not in content.decode():
            return False
        prices = json.loads(content).get("predictions", [])
        return {row for row, price in enumerate(prices) if price is None} == self.unpriced


def material(houses: list[dict[str, Any]], schema: dict[str, Any]) -> Material:
    """Pick the fields by what the schema says of them, so that no field is named here."""
    fields = schema["properties"]
    shared = [name for name in houses[0] if name in fields]
    area = next(n for n in shared if str(fields[n].get("x-unit", "")).startswith("square"))
    level = next(
        n for n in shared if any(isinstance(x, str) for x in fields[n].get("x-levels", ()))
    )
    return Material(houses, area, level)


def many_rows(given: Material) -> list[Any]:
    """10,000 houses, 137 of them spoiled in one of four ways."""
    rows: list[Any] = [given.houses[i % len(given.houses)] for i in range(MANY_ROWS)]
    for way, row in enumerate(sorted(SPOILED_ROWS)):
        spoiled: list[Any] = [
            {**rows[row], given.area: -1},
            {**rows[row], given.area: "many"},
            {**rows[row], "NoSuchField": 1},
            None,
        ]
        rows[row] = spoiled[way % len(spoiled)]
    return rows


def _as(text: str) -> Callable[[Material], bytes]:
    return lambda _: text.encode()


CASES = (
    Case("empty body", _as(""), 400, "strict JSON"),
    Case("malformed JSON: cut off", _as('{"inputs": ['), 400, "strict JSON"),
    Case("malformed JSON: trailing comma", _as("[1,]"), 400, "strict JSON"),
    Case("malformed JSON: a second value", _as("[] []"), 400, "strict JSON"),
    Case("NaN", lambda m: m.with_area("NaN"), 400, "strict JSON"),
    Case("-Infinity", lambda m: m.with_area("-Infinity"), 400, "strict JSON"),
    Case("1e400", lambda m: m.with_area("1e400"), 422, "not_finite"),
    Case("nested 1,000 deep", _as("[" * 1_000), 400, "recursion limit"),
    Case("nested 10,000 deep", _as("[" * 10_000 + "]" * 10_000), 400, "recursion limit"),
    Case("nested 100,000 deep", _as('{"a":' * 100_000), 400, "recursion limit"),
    Case("wrong type: number as text", lambda m: m.with_area('"1500"'), 422, "wrong_type"),
    Case("wrong type: text as number", lambda m: m.with_level(b"5"), 422, "wrong_type"),
    Case("wrong type: a list", lambda m: m.with_area("[]"), 422, "wrong_type"),
    Case("wrong type: true", lambda m: m.with_area("true"), 422, "wrong_type"),
    Case(
        "unknown field",
        lambda m: json.dumps({**m.houses[0], "NoSuchField": 1}).encode(),
        422,
        "unknown_field",
    ),
    Case("unseen level", lambda m: m.with_level(b'"Nonesuch"'), 200, "unseen_level"),
    Case("negative area", lambda m: m.with_area("-1500"), 422, "impossible_value"),
    Case("4,300-digit integer", lambda m: m.with_area("9" * 4300), 422, "impossible_value"),
    Case("5,000-digit integer", lambda m: m.with_area("9" * 5000), 400, "strict JSON"),
    Case("empty house", _as("{}"), 422, "required"),
    Case("empty list", _as("[]"), 422, "is empty"),
    Case("empty inputs", _as('{"inputs": []}'), 422, "is empty"),
    Case("null", _as("null"), 422, "got null"),
    Case("inputs: null", _as('{"inputs": null}'), 422, "got null"),
    Case("a string", _as('"a house"'), 422, "got text"),
    Case("a number", _as("42"), 422, "got number"),
    Case("a list of no houses", _as('[1, null, "x", []]'), 422, "wrong_type"),
    Case(
        "duplicate keys, last one good",
        lambda m: m.with_area(f'-1, "{m.area}": 1500'),
        200,
        "predictions",
    ),
    Case(
        "duplicate keys, last one bad",
        lambda m: m.with_area(f'1500, "{m.area}": -1'),
        422,
        "impossible_value",
    ),
    Case("byte order mark", lambda m: b"\xef\xbb\xbf" + m.with_area("1500"), 400, "strict JSON"),
    Case("UTF-16", lambda m: m.with_area("1500").decode().encode("utf-16"), 400, "strict JSON"),
    Case("not UTF-8", lambda m: m.with_level(b'"\xff"'), 400, "strict JSON"),
    Case("lone surrogate, escaped", lambda m: m.with_level(rb'"\ud800"'), 400, "strict JSON"),
    Case("lone surrogate, raw", lambda m: m.with_level(b'"\xed\xa0\x80"'), 400, "strict JSON"),
    Case("NUL, escaped", lambda m: m.with_level(rb'"\u0000"'), 200, "unseen_level"),
    Case("NUL, raw", lambda m: m.with_level(b'"\0"'), 400, "strict JSON"),
    Case(
        "10,000 rows, 137 of them bad",
        lambda m: json.dumps({"inputs": many_rows(m)}).encode(),
        200,
        "impossible_value",
        SPOILED_ROWS,
    ),
)
