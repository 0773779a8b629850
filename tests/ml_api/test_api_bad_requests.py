"""Bad requests get the documented status and a message that says why, and never a 5xx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from regression_model import load_model
from reliability.bad_requests import CASES, SPOILED_ROWS, many_rows, material

PREDICT = "/v1/regression-model/predict"


@pytest.fixture
def given(artifact: Path, houses: list[dict[str, Any]]) -> Any:
    return material(houses, load_model(artifact).json_schema())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_the_expected_one(client: FlaskClient, given: Any, case: Any) -> None:
    answer = client.post(PREDICT, data=case.make(given), content_type="application/json")

    assert case.answered_by(answer.status_code, answer.data), (
        answer.status_code,
        answer.text[:500],
    )


def test_137_bad_rows_leave_9863_prices_in_their_places(client: FlaskClient, given: Any) -> None:
    rows = many_rows(given)
    count = len(given.houses)
    good = client.post(PREDICT, json=given.houses).json
    assert good is not None

    answer = client.post(PREDICT, json={"inputs": rows}).json

    assert answer is not None
    assert sum(price is not None for price in answer["predictions"]) == 9863
    assert {error["row"] for error in answer["errors"]} == SPOILED_ROWS
    for row, price in enumerate(answer["predictions"]):
        expected = None if row in SPOILED_ROWS else good["predictions"][row % count]
        assert price == expected


def test_of_duplicate_keys_the_last_wins(client: FlaskClient, given: Any) -> None:
    twice = given.with_area(f'1500, "{given.area}": 2500')
    once = given.with_area("2500")

    answers = [client.post(PREDICT, data=x, content_type="application/json") for x in (twice, once)]

    assert answers[0].status_code == 200
    assert answers[0].data == answers[1].data


def test_a_warning_names_the_unseen_level_and_its_row(client: FlaskClient, given: Any) -> None:
    strange = json.loads(given.with_level(b'"Nonesuch"'))

    answer = client.post(PREDICT, json=[given.houses[1], strange]).json

    assert answer is not None
    found = [w for w in answer["warnings"] if w["code"] == "unseen_level"]
    assert [(w["row"], w["field"], w["value"]) for w in found] == [(1, given.level, "Nonesuch")]


def test_no_row_with_a_price_is_a_problem_that_carries_the_errors(
    client: FlaskClient, given: Any
) -> None:
    answer = client.post(PREDICT, data=given.with_area("-1"), content_type="application/json")

    assert answer.status_code == 422
    assert answer.json is not None
    (error,) = answer.json["errors"]
    assert (error["row"], error["field"], error["value"]) == (0, given.area, -1)
