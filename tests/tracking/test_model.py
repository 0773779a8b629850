"""The logged model is loaded by MLflow without a pickle and gives the prices of the package."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result

from regression_model import make_prediction
from regression_model.config.spec import Spec

REASON = "MLflow has an environment of its own: tox -e mlflow"
mlflow = pytest.importorskip("mlflow", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours

Houses = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from regression_model.artifact import open_artifact
    from regression_model.tracking.model import save_model

    return save_model(open_artifact(artifact), tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Any:
    return mlflow.pyfunc.load_model(str(folder))


@pytest.fixture(autouse=True)
def _same_model(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))


def test_prices_and_ranges_are_those_of_the_package(loaded: Any, houses: Houses) -> None:
    expected = make_prediction(houses)

    found = loaded.predict(pd.DataFrame(houses))

    assert found["prediction"].tolist() == expected["predictions"]
    assert found[["lower", "upper"]].to_numpy().tolist() == [
        [*r] for r in expected["intervals"] if r
    ]


def test_any_field_may_be_null_or_missing_but_the_required(
    loaded: Any, houses: Houses, spec: Spec
) -> None:
    required = [f.name for f in spec.features if f.required]
    known = [{name: house[name] for name in required} for house in houses[:3]]
    optional = [f.name for f in spec.inputs if not f.required]
    frame = pd.DataFrame(known)

    alone = loaded.predict(frame)
    with_nulls = loaded.predict(frame.assign(**dict.fromkeys(optional)))

    assert alone["prediction"].tolist() == make_prediction(known)["predictions"]
    nulls = [{**house, **dict.fromkeys(optional)} for house in known]
    assert with_nulls["prediction"].tolist() == make_prediction(nulls)["predictions"]
    with pytest.raises(mlflow.MlflowException, match=f"missing inputs.*{required[0]}"):
        loaded.predict(frame.drop(columns=required[0]))


def test_integers_with_nulls_are_numbers(loaded: Any, houses: Houses) -> None:
    years = pd.array([2003, None, 1961], dtype="Int64")
    frame = pd.DataFrame(houses[:3]).assign(GarageYrBlt=years)

    found = loaded.predict(frame)

    given = [{**h, "GarageYrBlt": y} for h, y in zip(houses, (2003, None, 1961), strict=False)]
    assert found["prediction"].tolist() == make_prediction(given)["predictions"]


def test_a_row_without_a_price_keeps_its_place_and_says_why(loaded: Any, houses: Houses) -> None:
    given = [houses[0], {**houses[1], "GrLivArea": -5}, houses[2]]

    found = loaded.predict(pd.DataFrame(given))

    assert found["prediction"].isna().tolist() == [False, True, False]
    assert "GrLivArea" in found["errors"][1]
    assert found["errors"][0] == ""


def test_explain_is_a_parameter(loaded: Any, houses: Houses) -> None:
    found = loaded.predict(pd.DataFrame(houses[:2]), params={"explain": True})

    expected = make_prediction(houses[:2], explain=True)["explanations"]
    assert [json.loads(one) for one in found["explanation"]] == expected
    assert "explanation" not in loaded.predict(pd.DataFrame(houses[:2]))


def test_the_folder_holds_the_graph_and_no_pickle(folder: Path) -> None:
    names = {path.name for path in folder.rglob("*") if path.is_file()}

    assert {"MLmodel", "model.onnx", "manifest.json", "pyfunc.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".joblib", ".pickle"))]
    assert "house-price-regression==" in (folder / "requirements.txt").read_text("utf-8")


def test_a_run_is_where_mlflow_loads_it_from(
    run: Callable[..., Result], artifact: Path, houses: Houses, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'own.db'}"
    told = json.loads(run("track", artifact, "--uri", uri, "--json").stdout)
    mlflow.set_tracking_uri(uri)
    try:
        found = mlflow.pyfunc.load_model(f"runs:/{told['run_id']}/model").predict(
            pd.DataFrame(houses)
        )
    finally:
        mlflow.set_tracking_uri(None)

    assert found["prediction"].tolist() == make_prediction(houses)["predictions"]
