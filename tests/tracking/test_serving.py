"""`mlflow models serve` gives the very prices of the service, in every form that people send."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner

from regression_model import load_model
from regression_model.cli import group
from regression_model.reading.tables import TableReader

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.process,
    pytest.mark.filterwarnings("default"),  # MLflow's and its libraries' are not ours
]

House = dict[str, Any]
Serve = Callable[..., AbstractContextManager[str]]
AMES_HOUSES = 1459


class Asked(NamedTuple):
    """A model, and the houses that both are asked for; what is unknown of them is null."""

    artifact: Path
    houses: list[House]


@pytest.fixture(scope="module")
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The test houses of Ames and a model of its sales; without them what the generator gives."""
    if not os.environ.get("AMES_DATA_DIR"):
        generated = json.loads(request.getfixturevalue("_generated_houses"))
        return Asked(request.getfixturevalue("artifact"), as_sent(generated))
    ames, config = request.getfixturevalue("ames"), request.getfixturevalue("small_config")
    root = tmp_path_factory.mktemp("ames")
    options = ["--data", ames / "train.csv", "--config", config, "--output", root]
    CliRunner().invoke(group, ["train", *map(str, options)], catch_exceptions=False)
    reader = TableReader(ames / "test.csv", load_model(root).spec)
    return Asked(root, as_sent([house for chunk in reader.chunks() for house in chunk]))


def as_sent(houses: list[House]) -> list[House]:
    """Whole numbers as integers, as people write them."""
    return [
        {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in h.items()}
        for h in houses
    ]


@pytest.fixture(scope="module")
def by_mlflow(
    asked: Asked, serve_mlflow: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    from regression_model.artifact import open_artifact
    from regression_model.tracking.model import save_model

    folder = tmp_path_factory.mktemp("mlflow")
    saved = save_model(open_artifact(asked.artifact), folder)
    with serve_mlflow(folder, model_uri=str(saved)) as address:
        yield f"{address}/invocations"


@pytest.fixture(scope="module")
def by_service(
    asked: Asked, serve_api: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("api")
    with serve_api(folder, REGRESSION_MODEL_ARTIFACT=str(asked.artifact)) as address:
        yield f"{address}/v1/regression-model/predict"


def post(url: str, body: Mapping[str, Any]) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310  # our own
    with urlopen(request, timeout=120) as answer:  # noqa: S310  # our own
        return json.load(answer)


@pytest.fixture(scope="module")
def expected(by_service: str, asked: Asked) -> Any:
    return post(by_service, {"inputs": asked.houses})


def split(houses: list[House]) -> dict[str, Any]:
    columns = list(houses[0])
    rows = [[house[name] for name in columns] for house in houses]
    return {"dataframe_split": {"columns": columns, "data": rows}}


def records(houses: list[House]) -> dict[str, Any]:
    return {"dataframe_records": houses}


def without_nulls(house: House) -> House:
    return {name: value for name, value in house.items() if value is not None}


# MLflow makes of a null in `inputs` or `instances` the text None, before any model sees it.
FORMS: dict[str, Callable[[list[House]], dict[str, Any]]] = {"split": split, "records": records}


@pytest.mark.parametrize("form", FORMS)
def test_every_price_and_range_is_that_of_the_service(
    by_mlflow: str, asked: Asked, expected: Any, form: str
) -> None:
    found = post(by_mlflow, FORMS[form](asked.houses))["predictions"]

    assert [one["prediction"] for one in found] == expected["predictions"]
    assert [[one["lower"], one["upper"]] for one in found] == expected["intervals"]
    assert None not in expected["predictions"]


def test_the_houses_are_all_of_them_with_integers_that_are_null(asked: Asked) -> None:
    years = [house["GarageYrBlt"] for house in asked.houses]

    assert {type(year) for year in years} == {int, type(None)}
    assert len(years) == (AMES_HOUSES if os.environ.get("AMES_DATA_DIR") else 50)


def test_a_field_that_is_absent_is_unknown_as_in_the_service(
    by_mlflow: str, by_service: str, asked: Asked
) -> None:
    for house in map(without_nulls, asked.houses[:10]):
        (found,) = post(by_mlflow, records([house]))["predictions"]

        assert [found["prediction"]] == post(by_service, {"inputs": [house]})["predictions"]


def test_a_field_that_some_records_lack_is_null_in_them(
    by_mlflow: str, asked: Asked, expected: Any
) -> None:
    known = {name for house in asked.houses for name in without_nulls(house)}
    lacking = [
        {name: v for name, v in house.items() if v is not None or name not in known}
        for house in asked.houses
    ]

    found = post(by_mlflow, records(lacking))["predictions"]

    assert lacking != asked.houses
    assert [one["prediction"] for one in found] == expected["predictions"]


def test_explanations_are_those_of_the_service(
    by_mlflow: str, by_service: str, asked: Asked
) -> None:
    few = asked.houses[:5]

    found = post(by_mlflow, {**split(few), "params": {"explain": True}})["predictions"]

    explained = post(by_service, {"inputs": few, "explain": True})["explanations"]
    assert [json.loads(one["explanation"]) for one in found] == explained


def test_a_refused_house_has_no_price_and_says_why_as_in_the_service(
    by_mlflow: str, by_service: str, asked: Asked
) -> None:
    few = [asked.houses[0], {**asked.houses[1], "GrLivArea": -5}, asked.houses[2]]

    found = post(by_mlflow, split(few))["predictions"]

    told = post(by_service, {"inputs": few})
    prices = [None if math.isnan(one["prediction"]) else one["prediction"] for one in found]
    assert prices == told["predictions"]
    assert prices[1] is None
    assert found[1]["errors"] == "; ".join(issue["message"] for issue in told["errors"])
