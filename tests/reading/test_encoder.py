"""Houses become one numeric row each; what the model cannot know about is said, not guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import ALL
from regression_model.training.twin.edge_houses import random_houses

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5.0, "YearBuilt": 1960.0, "GrLivArea": 1000.0}


@pytest.fixture(scope="module")
def encoder(spec: Spec) -> Encoder:
    return Encoder(spec)


def leveled(spec: Spec) -> list[Feature]:
    return [f for f in spec.inputs if f.has_levels]


def column(encoder: Encoder, name: str, *houses: dict[str, Any]) -> list[float]:
    """What each house has in the column ``name``."""
    matrix, _ = encoder.encode([{**LEAST, **house} for house in houses])
    values: list[float] = matrix[:, encoder.names.index(name)].tolist()
    return values


def warnings(encoder: Encoder, **values: Any) -> list[Any]:
    _, found = encoder.encode([{**LEAST, **values}])
    return found


# The matrix


def test_columns_are_the_inputs_of_the_spec_in_its_order(encoder: Encoder, spec: Spec) -> None:
    matrix, found = encoder.encode([LEAST, LEAST])

    assert encoder.names == [f.name for f in spec.inputs]
    assert "Id" not in encoder.names
    assert "SalePrice" not in encoder.names
    assert matrix.shape == (2, len(spec.inputs))
    assert matrix.dtype == np.float32
    assert found == []


def test_no_house_gives_no_row(encoder: Encoder) -> None:
    matrix, found = encoder.encode([])

    assert matrix.shape == (0, len(encoder.names))
    assert found == []


def test_a_level_becomes_its_position(encoder: Encoder, spec: Spec) -> None:
    for feature in leveled(spec):
        houses = [{feature.name: level} for level in feature.levels]

        assert column(encoder, feature.name, *houses) == list(range(len(feature.levels)))


def test_a_level_that_is_a_number_may_be_written_with_a_point(encoder: Encoder) -> None:
    whole, pointed = column(encoder, "MSSubClass", {"MSSubClass": 60}, {"MSSubClass": 60.0})

    assert whole == pointed == 5


def test_a_spelling_is_its_level(encoder: Encoder, spec: Spec) -> None:
    spelled = [(f, s, level) for f in leveled(spec) for s, level in f.spellings.items()]
    for feature, spelling, level in spelled:
        by_spelling, by_level = column(
            encoder, feature.name, {feature.name: spelling}, {feature.name: level}
        )

        assert by_spelling == by_level
        assert warnings(encoder, **{feature.name: spelling}) == []
    assert {"C", "Names", "2FmCon", "Duplx", "TwnhsI", "BrkComm", "CemntBd", "WdShing"} == {
        spelling for _, spelling, _ in spelled
    }


def test_null_is_what_the_config_says_it_means(encoder: Encoder, spec: Spec) -> None:
    for feature in spec.inputs:
        (code,) = column(encoder, feature.name, {feature.name: None})

        if feature.null_means in feature.levels:
            assert code == feature.levels.index(feature.null_means)
        else:
            assert np.isnan(code)


def test_an_absent_field_is_unknown_whatever_null_means(encoder: Encoder) -> None:
    matrix, found = encoder.encode([{}])

    assert np.isnan(matrix).all()
    assert found == []


def test_null_and_absent_differ_where_null_means_none(encoder: Encoder) -> None:
    null, absent, level = column(encoder, "Alley", {"Alley": None}, {}, {"Alley": "NA"})

    assert null == level == 0
    assert np.isnan(absent)


def test_numbers_are_what_they_are(encoder: Encoder) -> None:
    areas = [0.0, 0.5, 1300.25, 215245.0, 100000000.0]

    assert column(encoder, "LotArea", *({"LotArea": area} for area in areas)) == areas


# Warnings


def test_an_undeclared_level_is_unknown_and_warned_of_with_the_nearest(encoder: Encoder) -> None:
    (code,) = column(encoder, "Neighborhood", {"Neighborhood": "NAme"})
    (found,) = warnings(encoder, Neighborhood="NAme")

    assert np.isnan(code)
    assert found == {
        "row": 0,
        "field": "Neighborhood",
        "code": "unseen_level",
        "message": "not a level of Neighborhood; treated as unknown; did you mean 'NAmes'?",
        "value": "NAme",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Alley", ""),
        ("Alley", "grvl "),
        ("PoolQC", "Po"),
        ("MSSubClass", 61.0),
        ("MSSubClass", -1.0),
    ],
)
def test_every_undeclared_level_is_unknown(encoder: Encoder, field: str, value: Any) -> None:
    (code,) = column(encoder, field, {field: value})
    (found,) = warnings(encoder, **{field: value})

    assert np.isnan(code)
    assert (found["field"], found["code"], found["value"]) == (field, "unseen_level", value)


def test_a_declared_level_that_training_did_not_meet_is_warned_of_and_kept(spec: Spec) -> None:
    for feature in leveled(spec):
        seen = {f.name: f.levels for f in leveled(spec)} | {feature.name: feature.levels[:-1]}
        encoder = Encoder(spec, levels_seen=seen)
        last, first = feature.levels[-1], feature.levels[0]

        (found,) = warnings(encoder, **{feature.name: last})

        assert (found["field"], found["code"]) == (feature.name, "unseen_level")
        assert found["message"] == f"no sale of the training data has this level of {feature.name}"
        assert column(encoder, feature.name, {feature.name: last}) == [len(feature.levels) - 1]
        assert warnings(encoder, **{feature.name: first}) == []


def test_a_null_that_training_did_not_meet_is_warned_of_too(spec: Spec) -> None:
    seen = {f.name: f.levels for f in leveled(spec)} | {"Alley": ("Grvl", "Pave")}

    (found,) = warnings(Encoder(spec, levels_seen=seen), Alley=None)

    assert (found["field"], found["code"], found["value"]) == ("Alley", "unseen_level", None)


def test_the_model_warns_of_the_levels_its_own_training_did_not_meet(model: Any) -> None:
    seen = model.artifact.manifest["profile"]["levels"]["MSSubClass"]
    assert 150 not in seen

    result = model.predict({**LEAST, "MSSubClass": 150})

    assert result["predictions"] != [None]
    assert [(w["field"], w["code"]) for w in result["warnings"]] == [("MSSubClass", "unseen_level")]


def test_negative_numbers_are_not_mistaken_for_undeclared_levels(encoder: Encoder) -> None:
    areas = column(encoder, "LotArea", {"LotArea": -1.0, "Alley": "Cobbles"}, {"LotArea": -1.0})
    found = warnings(encoder, LotArea=-1.0, Alley="Cobbles")

    assert areas == [-1, -1]
    assert [(w["field"], w["code"]) for w in found] == [
        ("Alley", "unseen_level"),
        ("LotArea", "beyond_training_range"),
    ]


def test_the_training_range_includes_its_limits(encoder: Encoder, spec: Spec) -> None:
    for feature in spec.inputs:
        if feature.range is None:
            continue
        low, high = feature.range

        for inside in (low, high):
            codes = [w["code"] for w in warnings(encoder, **{feature.name: inside})]
            assert "beyond_training_range" not in codes
        below, above = np.nextafter(np.float32([low, high]), np.float32([-np.inf, np.inf]))
        for outside in (float(below), float(above), low - 0.5, high + 0.5):
            found = warnings(encoder, **{feature.name: outside})
            assert (feature.name, "beyond_training_range") in {
                (w["field"], w["code"]) for w in found
            }


def test_a_value_beyond_the_range_is_kept_and_the_range_named(encoder: Encoder) -> None:
    (found,) = warnings(encoder, GarageYrBlt=2207.0)

    assert column(encoder, "GarageYrBlt", {"GarageYrBlt": 2207.0}) == [2207]
    assert found == {
        "row": 0,
        "field": "GarageYrBlt",
        "code": "beyond_training_range",
        "message": "GarageYrBlt is outside of what the model was trained on, 1900 to 2010 (year)",
        "value": 2207.0,
    }


@pytest.mark.parametrize("field", ["YearBuilt", "YearRemodAdd", "GarageYrBlt"])
def test_a_sale_before_a_year_of_the_house_is_warned_of(encoder: Encoder, field: str) -> None:
    (found,) = warnings(encoder, **{field: 2009.0, "YrSold": 2008.0})

    assert found == {
        "row": 0,
        "field": field,
        "code": "sold_before",
        "message": f"{field} is after the year of the sale, 2008",
        "value": 2009.0,
    }


def test_a_sale_in_the_same_year_or_in_an_unknown_one_is_not(encoder: Encoder) -> None:
    assert warnings(encoder, YearBuilt=2008.0, YrSold=2008.0) == []
    assert warnings(encoder, YearBuilt=2008.0) == []
    assert warnings(encoder, YearBuilt=2008.0, YrSold=None) == []


def warned_of(spec: Spec, house: dict[str, Any], seen: dict[str, Any]) -> list[tuple[str, str]]:
    """What is to be warned of, field by field, from the rules alone."""
    levels, ranges, order = [], [], []
    for f in spec.inputs:
        absent = f.name not in house
        value = house.get(f.name)
        if f.has_levels:
            level = f.null_means if value is None else f.spellings.get(value, value)
            known = absent or (value is None and f.null_means not in f.levels)
            if not known and level not in seen[f.name]:
                levels.append((f.name, "unseen_level"))
        elif value is not None and f.range and not f.range[0] <= np.float32(value) <= f.range[1]:
            ranges.append((f.name, "beyond_training_range"))
        sold = house.get("YrSold")
        year = f.kind == "year" and f is not spec.sale_year and value is not None
        if year and sold is not None and np.float32(value) > np.float32(sold):
            order.append((f.name, "sold_before"))
    return [*levels, *ranges, *order]


def test_warnings_are_those_of_the_rules_for_any_house(spec: Spec) -> None:
    rng = np.random.default_rng(17)
    seen = {f.name: f.levels[:: rng.integers(1, 4)] for f in leveled(spec)}
    houses = random_houses(spec, 400, seed=3)
    for house in houses[::2]:  # the others stay as they were drawn: some without a doubt
        for f in rng.choice(np.array(spec.inputs, object), size=4, replace=False):
            if f.has_levels:
                house[f.name] = rng.choice(np.array(["Nowhere", -1, -2.0, *f.spellings], object))
            else:
                edges = [float(np.nextafter(np.float32(v), np.float32(1e9))) for v in f.range]
                house[f.name] = rng.choice([*f.range, *edges, f.range[0] - 1e-9, f.range[1] + 1])
    for house in houses[1::4]:
        seldom = [f.name for f in leveled(spec) if house.get(f.name) not in seen[f.name]]
        house |= dict.fromkeys(("YearBuilt", "YearRemodAdd", "GarageYrBlt"), 1990.0)
        for name in seldom:
            house.pop(name, None)

    _, found = Encoder(spec, levels_seen=seen).encode(houses, limits=ALL)

    expected = [warned_of(spec, house, seen) for house in houses]
    assert [] in expected
    for row, pairs in enumerate(expected):
        assert [(w["field"], w["code"]) for w in found if w["row"] == row] == pairs


# Rows


def test_each_row_is_encoded_as_if_it_were_alone(
    encoder: Encoder, houses: list[dict[str, Any]]
) -> None:
    houses[3]["Neighborhood"] = "Nowhere"
    houses[7]["MSSubClass"] = 61
    del houses[9]["Alley"]
    houses[9]["GarageYrBlt"] = 2207

    together, found = encoder.encode(houses)

    for row, house in enumerate(houses):
        alone, own = encoder.encode([house])
        np.testing.assert_array_equal(together[[row]], alone)
        assert [{**w, "row": row} for w in own] == [w for w in found if w["row"] == row]
    assert {3, 7, 9} <= {w["row"] for w in found}
    assert [w["row"] for w in found] == sorted(w["row"] or 0 for w in found)


def test_houses_are_not_touched(encoder: Encoder) -> None:
    house = {**LEAST, "Alley": "Cobbles", "MSZoning": "C"}

    encoder.encode([house])

    assert house == {**LEAST, "Alley": "Cobbles", "MSZoning": "C"}
