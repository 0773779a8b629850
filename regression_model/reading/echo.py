"""Values as messages and answers repeat them: short, safe to print, and cheap to make."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

_MAX_CHARACTERS = 80  # characters
_MAX_INTEGER_BITS = 4 * _MAX_CHARACTERS  # bits; to print a longer one costs its length squared


def named(value: Any) -> str:
    """Return what ``value`` is, in the words of JSON."""
    names = {dict: "an object", list: "a list", tuple: "a list", type(None): "null"}
    if type(value) in names:
        return names[type(value)]
    if isinstance(value, str):
        return f"text {short(value)!r}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"number {short(value)}"
    return f"a {type(value).__name__}"


def short(value: Any) -> str:
    """``value`` as printable text of bounded length, made at a cost that is bounded too."""
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        return f"an integer of about {round(value.bit_length() * math.log10(2)):,} digits"
    if isinstance(value, (int, float)):
        return _cut(repr(value))
    return _cut(str(value)) if isinstance(value, Decimal) else named(value)


def _cut(text: str) -> str:
    whole, text = text, text[:_MAX_CHARACTERS]
    if not text.isprintable():  # half characters and escapes of a terminal among them
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if not text.isascii():
        text = text.encode()[: 2 * _MAX_CHARACTERS].decode("utf-8", "ignore")
    return text if len(text) == len(whole) else text + "…"


def echo(value: Any) -> Any:
    """``value`` itself where it is short and plain JSON, else what it is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 64 else short(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else short(value)
    return short(value) if isinstance(value, str) else named(value)
