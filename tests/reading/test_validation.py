"""Houses are judged row by row: what is refused, with which words, and what is not."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regression_model.errors import InvalidInput, MalformedJSON
from regression_model.reading.validation import (
    HouseValidator,
    Issue,
    Malformed,
    issue,
    parse_request,
    rows_of,
)

# Derandomised and without a database: the same examples on every machine. No deadline: a shared
# machine may stall, and no test here is about speed.

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}


@pytest.fixture(scope="module")
def validator(spec: Any) -> HouseValidator:
    return HouseValidator(spec)


@pytest.fixture
def faults(validator: HouseValidator) -> Any:
    """The errors of one house that is valid but for the given values."""

    def check(**values: Any) -> list[Issue]:
        houses, errors = validator.check([{**LEAST, **values}])
        assert (houses == [None]) is bool(errors)
        return errors

    return check


# What a body may be


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'{"inputs": [{"a": 1}, {"a": 2}]}', [{"a": 1}, {"a": 2}]),
        (b'{"inputs": {"a": 1}}', [{"a": 1}]),
        (b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b"{}", [{}]),
        (b" [ { } ] \r\n\t", [{}]),
        (b"[null, 1]", [None, 1]),
    ],
)
def test_a_body_is_one_house_or_a_list_or_an_object_with_inputs(
    body: bytes, rows: list[Any]
) -> None:
    assert parse_request(body).rows == rows


@pytest.mark.parametrize(
    ("body", "explain"),
    [
        (b'{"inputs": [{}], "explain": true}', True),
        (b'{"explain": true, "inputs": {}}', True),
        (b'{"inputs": [{}], "explain": false}', False),
        (b'{"inputs": [{}]}', False),
        (b"[{}]", False),
        (b'{"explain": true}', False),  # without inputs it is a house, and this an unknown field
    ],
)
def test_explanations_are_asked_for_beside_inputs(body: bytes, explain: bool) -> None:
    assert parse_request(body).explain is explain


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "the list of houses is empty; send at least one"),
        (b'{"inputs": []}', "the list of houses is empty; send at least one"),
        (b"null", "got null"),
        (b"true", "got true"),
        (b"1", "got number 1"),
        (b'"house"', "got text 'house'"),
        (b'{"inputs": null}', "got null"),
        (b'{"inputs": "house"}', "expected a house, a list of houses or .*, got text 'house'"),
        (b'{"inputs": [{}], "input": 1}', r"unknown key 'input' beside 'inputs'; send only"),
        (b'{"inputs": [{}], "explain": "yes"}', "explain must be true or false, got text 'yes'"),
    ],
)
def test_another_shape_is_refused_with_the_shapes_that_are_not(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        parse_request(body)

    assert not isinstance(refused.value, MalformedJSON)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[NaN]", id="NaN"),
        pytest.param(b"[Infinity]", id="Infinity"),
        pytest.param(b"[-Infinity]", id="minus Infinity"),
        pytest.param(b"[1,]", id="trailing comma in a list"),
        pytest.param(b'{"a": 1,}', id="trailing comma in an object"),
        pytest.param(b"['a']", id="single quotes"),
        pytest.param(b"[{}] x", id="text after the end"),
        pytest.param(b"[{}]\x00", id="NUL after the end"),
        pytest.param(b"[{} // comment\n]", id="comment"),
        pytest.param(b"[01]", id="leading zero"),
        pytest.param(b"[.5]", id="no digit before the point"),
        pytest.param(b"[+1]", id="plus sign"),
        pytest.param(b"{1: 2}", id="a key that is no text"),
        pytest.param(b"[{]", id="mismatched brackets"),
        pytest.param(b'["\x00"]', id="raw NUL in a text"),
        pytest.param(b'["\t"]', id="raw tab in a text"),
        pytest.param(b'["\\ud800"]', id="lone surrogate, escaped"),
        pytest.param(b'{"\\udc00": 1}', id="lone surrogate in a key"),
        pytest.param(b'["\xed\xa0\x80"]', id="lone surrogate, encoded"),
        pytest.param(b'["\xff"]', id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf[{}]", id="byte order mark"),
        pytest.param("[{}]".encode("utf-16"), id="UTF-16"),
        pytest.param("[{}]".encode("utf-32-le"), id="UTF-32"),
        pytest.param(b"[" + b"9" * 4301 + b"]", id="integer of 4,301 digits"),
        pytest.param(b"[" + b"9" * 100_000 + b"]", id="integer of 100,000 digits"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="10,000 lists deep"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="10,000 objects deep"),
        pytest.param(b"[" * 100_000, id="100,000 brackets never closed"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJSON, match=r"^the body is not strict JSON: .*line 1 column"):
        parse_request(body)


def test_json_may_be_nested_200_deep() -> None:
    (outermost,) = parse_request(b"[" * 200 + b"]" * 200).rows
    depth = 2
    while outermost:
        (outermost,) = outermost
        depth += 1

    assert depth == 200


def test_of_duplicate_keys_the_last_wins() -> None:
    assert parse_request(b'{"a": 1, "b": 2, "a": 3}').rows == [{"a": 3, "b": 2}]
    assert parse_request(b'{"inputs": [1], "inputs": [2, 3]}').rows == [2, 3]


def test_escapes_that_json_allows_are_read() -> None:
    assert parse_request(rb'["\u0000", "\ud83c\udfe0", "\/"]').rows == ["\0", "\U0001f3e0", "/"]


@pytest.mark.parametrize("digits", [b"1e400", b"-1e400", b"1E+999"])
def test_a_number_too_large_for_a_double_gets_no_price(
    validator: HouseValidator, digits: bytes
) -> None:
    body = json.dumps(LEAST).encode().replace(b"}", b', "LotArea": ' + digits + b"}")

    _, errors = validator.check(parse_request(body).rows)

    assert [(e["field"], e["code"]) for e in errors] == [("LotArea", "not_finite")]


@given(
    st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789.eE+-\\u nulltrfas').map(str.encode)
)
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused_with_a_documented_error(body: bytes) -> None:
    try:
        rows = parse_request(body).rows
    except InvalidInput:
        return
    assert rows


def test_rows_of_gives_a_list_of_its_own() -> None:
    given_rows: list[Any] = [{"a": 1}]

    rows = rows_of(given_rows)
    rows.append({})

    assert given_rows == [{"a": 1}]


# What a value may be


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float64(3.0), np.float32(3.0)])
def test_a_whole_number_is_an_integer_however_it_is_written(faults: Any, value: Any) -> None:
    assert faults(OverallCond=value) == []


@pytest.mark.parametrize("value", [3.0000000001, 2.9999999999, 1e-9, 5e-324])
@pytest.mark.parametrize("field", ["FullBath", "Id"])
def test_a_number_that_is_almost_whole_is_not(faults: Any, field: str, value: float) -> None:
    assert [(e["field"], e["code"]) for e in faults(**{field: value})] == [(field, "wrong_type")]


@pytest.mark.parametrize(
    ("values", "code", "message", "echo"),
    [
        (
            {"OverallCond": "3"},
            "wrong_type",
            "OverallCond must be a whole number, got text '3'; remove the quotes",
            "3",
        ),
        (
            {"LotArea": "large"},
            "wrong_type",
            "LotArea must be a number, got text 'large'; send null where it is unknown",
            "large",
        ),
        ({"OverallCond": 3.5}, "wrong_type", "OverallCond must be a whole number, got 3.5", 3.5),
        (
            {"OverallCond": True},
            "wrong_type",
            "OverallCond must be a whole number, got true",
            True,
        ),
        (
            {"LotArea": False},
            "wrong_type",
            "LotArea must be a number, got false",
            False,
        ),
        ({"Alley": 3}, "wrong_type", "Alley must be text, got number 3", 3),
        ({"Alley": True}, "wrong_type", "Alley must be text, got true", True),
        ({"LotArea": [1]}, "wrong_type", "LotArea must be a number, got a list", "a list"),
        ({"LotArea": {}}, "wrong_type", "LotArea must be a number, got an object", "an object"),
        (
            {"LotArea": -1},
            "impossible_value",
            "LotArea must lie in 0 to 100000000 square feet, got -1",
            -1,
        ),
        (
            {"LotArea": 100000000.5},
            "impossible_value",
            "LotArea must lie in 0 to 100000000 square feet, got 100000000.5",
            100000000.5,
        ),
        (
            {"OverallCond": 11},
            "impossible_value",
            "OverallCond must lie in 1 to 10 points of 10, got 11",
            11,
        ),
        (
            {"LotArea": float("nan")},
            "not_finite",
            "LotArea must be a finite number; send null where it is unknown",
            "nan",
        ),
        (
            {"LotArea": -math.inf},
            "not_finite",
            "LotArea must be a finite number; send null where it is unknown",
            "-inf",
        ),
        (
            {"Neighborhood": None},
            "required",
            "Neighborhood is required: place within the city of Ames",
            None,
        ),
        (
            {"LotAera": 9000},
            "unknown_field",
            "'LotAera' is not a field of a house; did you mean 'LotArea'?",
            9000,
        ),
        (
            {"Swimming": 1},
            "unknown_field",
            "'Swimming' is not a field of a house; see the schema for the fields of a house",
            1,
        ),
        (
            {"SalePrice": 1},
            "unknown_field",
            "'SalePrice' is not a field of a house; see the schema for the fields of a house",
            1,
        ),
    ],
)
def test_an_error_names_field_value_and_remedy(
    faults: Any, values: dict[str, Any], code: str, message: str, echo: Any
) -> None:
    (field,) = values

    assert faults(**values) == [
        {"row": 0, "field": field, "code": code, "message": message, "value": echo}
    ]


@pytest.mark.parametrize("value", [np.True_, np.bool_(False)])
def test_a_numpy_truth_value_is_not_a_number_either(faults: Any, value: Any) -> None:
    assert [e["code"] for e in faults(LotArea=value)] == ["wrong_type"]


def test_bytes_are_no_text(faults: Any) -> None:
    assert [e["code"] for e in faults(Alley=b"Grvl")] == ["wrong_type"]


def test_the_remedy_for_a_required_field_is_not_null(faults: Any) -> None:
    (error,) = faults(OverallQual="good")

    assert error["code"] == "wrong_type"
    assert "null" not in error["message"]


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "0x10"])
def test_quotes_are_blamed_only_where_a_number_would_stand_without_them(
    faults: Any, text: str
) -> None:
    (error,) = faults(LotArea=text)

    assert "quotes" not in error["message"]


def test_every_limit_of_the_config_is_kept(faults: Any, spec: Any) -> None:
    for feature in spec.inputs:
        if feature.minimum is None:
            continue
        low, high = feature.minimum, feature.maximum

        assert faults(**{feature.name: low}) == []
        assert faults(**{feature.name: high}) == []
        assert [e["code"] for e in faults(**{feature.name: low - 1})] == ["impossible_value"]
        assert [e["code"] for e in faults(**{feature.name: high + 1})] == ["impossible_value"]


@pytest.mark.parametrize("digits", [20, 400, 5000])
@pytest.mark.parametrize("field", ["LotArea", "OverallCond", "MSSubClass", "Id", "Alley"])
def test_an_enormous_integer_is_an_error_in_every_kind_of_field(
    faults: Any, field: str, digits: int
) -> None:
    errors = faults(**{field: 10**digits})

    # In a field of integer levels, a number that a double holds is a level never seen, no error.
    expected = [] if (field, digits) == ("MSSubClass", 20) else [field]
    assert [e["field"] for e in errors] == expected
    assert len(json.dumps(errors)) < 500


@pytest.mark.parametrize("number", [9007199254740992, -1])
def test_the_limits_in_a_message_are_exact(faults: Any, number: int) -> None:
    (error,) = faults(Id=number)

    assert "0 to 9007199254740991" in error["message"]


def test_an_undeclared_level_is_left_to_the_encoder(faults: Any) -> None:
    assert faults(Neighborhood="Nowhere", MSSubClass=151, Alley="") == []


# Rows


def test_every_required_field_is_asked_for(validator: HouseValidator, spec: Any) -> None:
    _, errors = validator.check([{}])

    assert [e["field"] for e in errors] == [f.name for f in spec.features if f.required]
    assert {e["code"] for e in errors} == {"required"}


def test_no_other_field_is(validator: HouseValidator, spec: Any) -> None:
    absent = [dict(LEAST)]
    null = [{**{f.name: None for f in spec.inputs}, **LEAST}]

    assert validator.check(absent) == (absent, [])
    assert validator.check(null) == (null, [])


def test_an_alias_becomes_the_canonical_name(validator: HouseValidator, spec: Any) -> None:
    aliases = {alias: f.name for f in spec.features for alias in f.aliases}

    houses, errors = validator.check([{**LEAST, **dict.fromkeys(aliases, 2)}])

    assert {"FirstFlrSF", "SecondFlrSF", "ThreeSsnPorch"} <= set(aliases)
    assert errors == []
    assert houses == [{**LEAST, **dict.fromkeys(aliases.values(), 2)}]


def test_an_alias_beside_its_canonical_name_is_refused_for_that_reason(faults: Any) -> None:
    (error,) = faults(**{"1stFlrSF": 900, "FirstFlrSF": 901})

    assert error["field"] == "FirstFlrSF"
    assert "1stFlrSF" in error["message"]


def test_an_error_calls_an_aliased_field_what_the_sender_called_it_or_canonically(
    faults: Any,
) -> None:
    (error,) = faults(FirstFlrSF=-1)

    assert error["field"] in ("FirstFlrSF", "1stFlrSF")
    assert error["code"] == "impossible_value"


@pytest.mark.parametrize(
    ("row", "got"),
    [
        (None, "null"),
        (7, "number 7"),
        (True, "true"),
        ("house", "text 'house'"),
        ([], "a list"),
        ([LEAST], "a list"),
        (float("nan"), "number nan"),
    ],
)
def test_a_row_that_is_no_object_is_refused(validator: HouseValidator, row: Any, got: str) -> None:
    houses, errors = validator.check([row])

    assert houses == [None]
    assert [(e["field"], e["code"]) for e in errors] == [(None, "wrong_type")]
    assert errors[0]["message"] == f"a house is an object, got {got}"


@pytest.mark.parametrize(
    "row",
    [{1: 2}, {None: 1}, {("a",): 1}, {"\ud800": 1}],
    ids=["number", "null", "tuple", "lone surrogate"],
)
def test_a_key_that_is_no_text_is_an_unknown_field(validator: HouseValidator, row: Any) -> None:
    _, errors = validator.check([{**LEAST, **row}])

    assert [e["code"] for e in errors] == ["unknown_field"]


def test_any_mapping_is_a_house(validator: HouseValidator) -> None:
    assert validator.check([MappingProxyType(LEAST)]) == ([LEAST], [])


def test_a_malformed_row_gives_its_own_reason(validator: HouseValidator) -> None:
    houses, errors = validator.check([Malformed("line 4 has 3 cells, the header has 81")])

    assert houses == [None]
    assert errors == [issue(0, None, "malformed_row", "line 4 has 3 cells, the header has 81")]


def test_good_rows_in_a_bad_batch_keep_their_place(validator: HouseValidator) -> None:
    good = [{**LEAST, "LotArea": 1000 + i} for i in range(60)]
    bad: list[Any] = [None, {}, {**LEAST, "LotArea": -1}, "x", {**LEAST, "Oops": 1}]
    mixed = [bad[i % 5] if i % 3 == 1 else good[i] for i in range(60)]

    houses, errors = validator.check(mixed)

    spoiled = {i for i in range(60) if i % 3 == 1}
    assert houses == [None if i in spoiled else good[i] for i in range(60)]
    assert {e["row"] for e in errors} == spoiled
    assert [e["row"] for e in errors] == sorted(e["row"] or 0 for e in errors)


def test_every_fault_of_a_row_is_reported_at_once(faults: Any) -> None:
    errors = faults(LotArea=-1, OverallCond="3", Oops=1, Neighborhood=None)

    assert {e["field"]: e["code"] for e in errors} == {
        "LotArea": "impossible_value",
        "OverallCond": "wrong_type",
        "Oops": "unknown_field",
        "Neighborhood": "required",
    }


def test_the_rows_given_are_not_touched(validator: HouseValidator) -> None:
    row = {**LEAST, "FirstFlrSF": 900, "OverallCond": 3}

    houses, _ = validator.check([row])

    assert row == {**LEAST, "FirstFlrSF": 900, "OverallCond": 3}
    assert houses[0] is not row


# Whatever comes in


def test_a_long_text_is_not_echoed_whole(faults: Any) -> None:
    (error,) = faults(LotArea="x" * 100_000)
    (unknown,) = faults(**{"x" * 100_000: 1})

    assert len(json.dumps(error)) < 500
    assert len(json.dumps(unknown)) < 500


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, -(2**64)])
    | st.floats()
    | st.text(st.characters(), max_size=100)  # lone surrogates included
    | st.binary(max_size=20)
    | st.complex_numbers()
    | st.decimals()
    | st.dates()
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=150)
def test_whatever_the_rows_errors_are_plain_json_and_places_are_kept(
    validator: HouseValidator, spec: Any, data: st.DataObject
) -> None:
    keys = st.sampled_from([f.name for f in spec.features]) | st.text(st.characters(), max_size=9)
    house = st.dictionaries(keys | st.integers(), VALUES, max_size=4).map(
        lambda row: {**LEAST, **row}
    )
    rows = data.draw(st.lists(house | VALUES, max_size=4))

    houses, errors = validator.check(rows)

    refused = [i for i, house in enumerate(houses) if house is None]
    assert len(houses) == len(rows)
    assert {e["row"] for e in errors} == set(refused)
    json.dumps(errors, allow_nan=False, ensure_ascii=False).encode()
    for error in errors:
        assert set(error) == {"row", "field", "code", "message", "value"}
        assert error["message"]
