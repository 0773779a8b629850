"""The reason that is given for a refused value is the rule that refuses it."""

from __future__ import annotations

import datetime
import decimal
import math
from fractions import Fraction
from typing import Any

import pytest
from pydantic_core import SchemaValidator, ValidationError

from regression_model.config.spec import Spec
from regression_model.reading.values import code_of, refusal, value_schema

ODD: list[Any] = [
    None, True, False, "", "5", "text", -1, 0, 3, 10**9, 10**20, 10**400, -(10**400),
    -1.0, -1.5, 0.0, 3.0, 3.5, 5e-324, 1e300, math.nan, math.inf, -math.inf,
    [], {}, [1], (1,), b"5", 1j, decimal.Decimal(5), decimal.Decimal("5.5"), decimal.Decimal("NaN"), decimal.Decimal("1e999"), Fraction(7, 2), datetime.date(2008, 1, 1), object(),
]  # fmt: skip
CODES = {
    "finite_number": "not_finite",
    "multiple_of": "wrong_type",
    "greater_than_equal": "impossible_value",
    "less_than_equal": "impossible_value",
    "float_type": "wrong_type",
    "string_type": "wrong_type",
}


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_a_value_is_refused_by_the_rule_that_is_named(value: Any, spec: Spec) -> None:
    for f in spec.features:
        try:
            SchemaValidator(value_schema(f)).validate_python(value)
        except ValidationError as error:
            (broken,) = error.errors(include_url=False)
            expected = "required" if value is None else CODES[broken["type"]]
            if f.type != "text" and type(value) is int and abs(value) >= 10**400:
                expected = "impossible_value"  # no double holds it
            assert code_of(f, value) == expected
            assert f.name in refusal(code_of(f, value), f, value)
