"""Values in messages are short, whatever they are, and cheap to make."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from regression_model.reading.echo import echo, named, short


class Endless:
    """A value whose text nobody wants to wait for."""

    def __repr__(self) -> str:
        raise AssertionError("its text was asked for")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 10**6, "x" * 80 + "…"),
        ("x" * 80, "x" * 80),
        ("ü" * 80, "ü" * 80),
        ("家" * 80, "家" * 53 + "…"),
        ("a\ud800\x1b[1m\n\0b", "a��[1m��b"),
        (10**79, "1" + "0" * 79),
        (10**90, "1" + "0" * 79 + "…"),
        (-(10**4299), "an integer of about 4,299 digits"),
        (10**100_000, "an integer of about 100,000 digits"),
        (1.5, "1.5"),
        (Decimal("9.50"), "9.50"),
        ([1] * 10**6, "a list"),
        ({"a": [1] * 10**6}, "an object"),
        (Endless(), "a Endless"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_text_is_short_and_asks_for_no_long_one(value: Any, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize("value", [None, True, 5, 2**63 - 1, 1.5, "text"])
def test_short_values_are_repeated_as_they_are(value: Any) -> None:
    assert echo(value) == value


@pytest.mark.parametrize(
    "value",
    [2**63, 10**5000, float("inf"), [1], {}, Endless(), "x" * 99],
    ids=lambda value: type(value).__name__,
)
def test_others_are_described(value: Any) -> None:
    assert isinstance(echo(value), str)
    assert len(echo(value)) < 90
    assert len(named(value)) < 100
