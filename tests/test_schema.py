"""The published JSON Schema accepts what the model accepts, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

# A schema proves itself only by what an independent validator makes of it.
from jsonschema import Draft202012Validator

from regression_model import InvalidInput
from regression_model.config.spec import Feature, Spec
from regression_model.reading.validation import HouseValidator
from regression_model.schema import house_schema
from regression_model.training.twin.edge_houses import random_houses

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}


@pytest.fixture(scope="module")
def schema(spec: Spec) -> dict[str, Any]:
    return house_schema(spec, example=LEAST)


@pytest.fixture(scope="module")
def judge(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def test_it_is_a_json_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema


def test_the_model_publishes_it_with_a_house_of_its_own(model: Any, spec: Spec) -> None:
    assert model.json_schema() == house_schema(spec, example=model.example())


def test_generated_houses_are_valid(
    judge: Draft202012Validator, houses: list[dict[str, Any]]
) -> None:
    assert [error.message for house in houses for error in judge.iter_errors(house)] == []


def test_houses_with_nulls_and_absent_fields_are_valid(
    judge: Draft202012Validator, spec: Spec
) -> None:
    drawn = random_houses(spec, 100, seed=1)
    assert any(None in house.values() for house in drawn)
    assert any(len(house) < len(spec.inputs) for house in drawn)

    assert [error.message for house in drawn for error in judge.iter_errors(house)] == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Oops": 1}, "'Oops' was unexpected"),
        ({"SalePrice": 1}, "'SalePrice' was unexpected"),
        ({"LotArea": "9000"}, "'9000' is not of type 'number', 'null'"),
        ({"LotArea": True}, "True is not of type 'number', 'null'"),
        ({"OverallCond": 3.5}, "3.5 is not of type 'integer', 'null'"),
        ({"Alley": 3}, "3 is not of type 'string', 'null'"),
        ({"OverallQual": None}, "None is not of type 'integer'"),
        ({"LotArea": -1}, "-1 is less than the minimum of 0"),
        ({"OverallCond": 11}, "11 is greater than the maximum of 10"),
        ({"FirstFlrSF": -1}, "-1 is less than the minimum of 0"),
    ],
)
def test_a_faulty_house_is_invalid(
    judge: Draft202012Validator, values: dict[str, Any], message: str
) -> None:
    (error,) = judge.iter_errors({**LEAST, **values})

    assert message in error.message


def test_a_field_given_by_name_and_by_alias_is_invalid_as_the_model_refuses_it(
    judge: Draft202012Validator, spec: Spec
) -> None:
    house = {**LEAST, "1stFlrSF": 900, "FirstFlrSF": 900}

    _, errors = HouseValidator(spec).check([house])

    assert errors
    assert not judge.is_valid(house)


@pytest.mark.parametrize("field", LEAST)
def test_each_required_field_is_required(judge: Draft202012Validator, field: str) -> None:
    house = {name: value for name, value in LEAST.items() if name != field}

    assert judge.is_valid(LEAST)
    assert not judge.is_valid(house)


def test_every_field_is_described_with_its_limits_levels_and_null(
    schema: dict[str, Any], spec: Spec
) -> None:
    properties = schema["properties"]
    fields = [f for f in spec.features if f.role != "target"]

    assert set(properties) == {name for f in fields for name in (f.name, *f.aliases)}
    for f in fields:
        found = properties[f.name]
        assert found["description"].startswith(f.description)
        assert f.required or "null means" in found["description"]
        assert found.get("x-levels", []) == list(f.levels)
        assert found.get("minimum") == f.minimum
        assert found.get("maximum") == f.maximum
    assert "null means 'NA' (the house has none)" in properties["Alley"]["description"]
    assert "null means unknown" in properties["LotArea"]["description"]


def _field_and_value(f: Feature) -> st.SearchStrategy[tuple[str, Any]]:
    limits = [v for v in (f.minimum, f.maximum) if v is not None]
    edges = [*limits, *(v + 1 for v in limits), *(v - 1 for v in limits), *f.levels]
    value = st.one_of(
        st.sampled_from(edges),
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
        st.sampled_from([[], {}]),
    )
    return st.tuples(st.sampled_from((f.name, *f.aliases)), value)


@pytest.fixture(scope="module")
def any_field(spec: Spec) -> st.SearchStrategy[tuple[str, Any]]:
    """A field of a house with a value that it may have, or may not."""
    return st.one_of([_field_and_value(f) for f in spec.features if f.role != "target"])


@given(data=st.data())
@settings(max_examples=300)
def test_the_schema_and_the_model_agree_on_every_value(
    judge: Draft202012Validator, spec: Spec, any_field: Any, data: st.DataObject
) -> None:
    field, value = data.draw(any_field)
    house = {**LEAST, field: value}

    _, errors = HouseValidator(spec).check([house])

    assert judge.is_valid(house) is (not errors), (house, errors)


@example([LEAST])
@given(st.none() | st.integers() | st.text() | st.lists(st.integers()))
@settings(max_examples=30)
def test_only_objects_are_houses(judge: Draft202012Validator, value: Any) -> None:
    assert not judge.is_valid(value)


def test_examples_are_those_of_the_house_that_is_given(schema: dict[str, Any]) -> None:
    assert schema["examples"] == [LEAST]
    assert schema["properties"]["GrLivArea"]["examples"] == [1000]
    assert schema["properties"]["LotArea"]["examples"] == [0]  # unknown of it: the minimum


def test_a_field_with_two_names_says_so(schema: dict[str, Any]) -> None:
    assert "Another name of 1stFlrSF." in schema["properties"]["FirstFlrSF"]["description"]


def test_a_required_field_may_be_given_by_any_of_its_names(spec: Spec) -> None:
    aliased = [
        f.model_copy(update={"aliases": ("Area", "Size")}) if f.name == "GrLivArea" else f
        for f in spec.features
    ]
    judge = Draft202012Validator(
        house_schema(spec.model_copy(update={"features": tuple(aliased)}), example={})
    )
    rest = {name: value for name, value in LEAST.items() if name != "GrLivArea"}

    assert [judge.is_valid({**rest, name: 900}) for name in ("GrLivArea", "Area", "Size")] == [
        True,
        True,
        True,
    ]
    assert not judge.is_valid(rest)
    assert not judge.is_valid({**rest, "Area": 900, "Size": 900})


# Requests


@pytest.fixture(scope="module")
def request_judge(model: Any) -> Draft202012Validator:
    schema = model.request_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


SPOILED = {**LEAST, "GrLivArea": -1}


@pytest.mark.parametrize(
    ("request_body", "gets_a_price"),
    [
        (LEAST, True),
        ([LEAST], True),
        ({"inputs": [LEAST]}, True),
        ({"inputs": LEAST}, True),
        ({"inputs": [LEAST], "explain": False}, True),
        ([SPOILED, LEAST, None, "house"], True),
        (SPOILED, False),
        ([SPOILED, SPOILED], False),
        ({"inputs": [SPOILED]}, False),
        ([], False),
        ({"inputs": []}, False),
        ({"inputs": [LEAST], "explain": "yes"}, False),
        ({"inputs": [LEAST], "explains": True}, False),
        ({"explain": True}, False),
        ([[LEAST]], False),
        ({}, False),
        (None, False),
        ("house", False),
        (1, False),
    ],
)
def test_a_request_is_valid_where_it_gets_a_price(
    model: Any, request_judge: Draft202012Validator, request_body: Any, gets_a_price: bool
) -> None:
    try:
        prices = model.predict_json(json.dumps(request_body).encode())["predictions"]
    except InvalidInput:
        prices = []

    assert request_judge.is_valid(request_body) is gets_a_price
    assert any(price is not None for price in prices) is gets_a_price


def test_a_request_may_refer_to_the_schema_of_a_house(model: Any) -> None:
    reference = {"$ref": "#/components/schemas/House"}

    schema = model.request_schema(reference)

    assert reference in schema["anyOf"]
    assert "properties" not in json.dumps(schema["anyOf"][1])
