"""A column of the answer is declared once, and the same in every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter

from regression_model import Model, Prediction
from regression_model.answer import ENTRIES, NUMBERS, columns_of, table_names
from regression_model.scorer import Valuation

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}
FILLED = {"LotArea": 9000, "Alley": "Grvl"}
KNOWN: list[tuple[dict[str, Any], int | None]] = [
    ({}, 4),
    (FILLED, 6),
    ({**FILLED, "Id": 7}, 6),  # which house it is says nothing of the house
    ({"FirstFlrSF": 900}, 5),
    ({"LotArea": None, "MSZoning": None}, 4),  # unknown
    ({"Alley": None, "GarageYrBlt": None}, 6),  # there is none
    ({"Alley": "Gravel", "LotArea": 9000}, 5),  # no level of it: treated as unknown
    ({"GarageYrBlt": 2207}, 5),  # warned of, and used
    ({"LotArea": -1}, None),
]


@pytest.mark.parametrize(("fields", "known"), KNOWN, ids=lambda value: str(value))
def test_known_counts_the_fields_that_the_model_was_told(
    model: Model, fields: dict[str, Any], known: int | None
) -> None:
    house = {**LEAST, **fields}
    frame = pd.DataFrame([house] * 70)  # long enough to be valued by columns

    assert model.predict(house)["known"] == [known]
    assert model.predict_json(json.dumps(house).encode())["known"] == [known]
    assert model.predict(frame)["known"] == [known] * 70


def test_a_refused_row_leaves_its_neighbours_what_is_known_of_them(model: Model) -> None:
    rows = [{**LEAST, **fields} for fields, _ in KNOWN]

    assert model.predict(rows)["known"] == [known for _, known in KNOWN]
    body = json.dumps(rows).encode()
    assert model.predict_json(body)["known"] == [known for _, known in KNOWN]


def test_an_answer_tells_which_model_it_is_from(model: Model, artifact: Path) -> None:
    (folder,) = artifact.glob("regression_model-*")

    for rows in (LEAST, pd.DataFrame([LEAST] * 70)):
        answer = model.predict(rows)
        assert f"regression_model-{answer['artifact']}" == folder.name
        assert answer["artifact"].startswith(f"{answer['version']}-")


def test_the_columns_of_a_table_are_those_of_the_contract() -> None:
    names = ["House", "prediction", "lower", "upper", "fsd", "known", "errors", "warnings"]

    assert table_names("House") == names


def test_numbers_stand_in_the_order_in_which_they_are_computed(model: Model) -> None:
    answer = model.predict(LEAST)
    read = model.reader.read([LEAST])
    values = model.scorer.score(read.matrix)

    assert [*Valuation._fields] == ["price", "low", "high", "fsd"]
    computed = [*(float(value[0]) for value in values), 4]
    for column, value in zip(NUMBERS, computed, strict=True):
        assert columns_of(answer)[column.name] == [round(value, column.digits)]


def test_every_key_has_a_description_and_is_in_the_schema() -> None:
    schema = TypeAdapter(Prediction).json_schema()

    assert [entry.key for entry in ENTRIES] == list(schema["properties"])
    for entry in ENTRIES:
        assert schema["properties"][entry.key]["description"] == entry.description != ""
