"""``make_prediction`` and ``validate_inputs``: the contract, and what holds for every house."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regression_model
from regression_model import InvalidInput, Model, load_model, make_prediction, validate_inputs
from regression_model.artifact import open_artifact
from regression_model.artifact_folders import save_artifact
from regression_model.config.spec import Feature, Spec
from regression_model.training.twin.edge_houses import random_houses

# Derandomised and without a database: the same examples on every machine. No deadline: a shared
# machine may stall, and no test here is about speed.

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}
ROOT = Path(__file__).resolve().parents[1]
KEYS = {"predictions", "intervals", "fsd", "known", "errors", "warnings", "version", "artifact"}


@pytest.fixture
def current_model(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the small artifact the one that ``make_prediction`` finds."""
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    return artifact


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


# The contract


def test_the_answer_has_one_entry_for_each_row(
    current_model: Path, houses: list[dict[str, Any]]
) -> None:
    result = make_prediction(houses)

    assert set(result) == KEYS | {"ids"}
    assert len(result["predictions"]) == len(result["intervals"]) == len(houses)
    assert all(type(price) is float for price in result["predictions"])
    assert all(type(limit) is float for pair in result["intervals"] for limit in pair or [])
    assert all(len(pair or []) == 2 for pair in result["intervals"])
    assert result["errors"] == []
    assert result["version"] == ROOT.joinpath("regression_model/VERSION").read_text().strip()


def test_the_answer_is_plain_json(current_model: Path) -> None:
    rows = [LEAST, {**LEAST, "Id": 3, "MSZoning": "?"}, {**LEAST, "LotArea": math.nan}, None]

    text = json.dumps(make_prediction(rows), allow_nan=False)

    assert json.loads(text) == make_prediction(rows)


def test_input_data_is_the_name_of_the_argument(current_model: Path) -> None:
    assert make_prediction(input_data=LEAST) == make_prediction(LEAST)
    assert validate_inputs(input_data=LEAST) == validate_inputs(LEAST)


@pytest.mark.parametrize(
    "shape", [lambda h: h, lambda h: [h], lambda h: (h,), lambda h: {"inputs": [h]}]
)
def test_one_house_gives_one_price(current_model: Path, shape: Callable[[Any], Any]) -> None:
    result = make_prediction(shape(LEAST))

    assert set(result) == KEYS
    assert len(result["predictions"]) == 1
    assert result == make_prediction([LEAST])


def test_a_row_without_a_price_keeps_its_place_and_says_why(current_model: Path) -> None:
    result = make_prediction([LEAST, {**LEAST, "LotArea": -1}, LEAST, "x", {}])

    assert [price is None for price in result["predictions"]] == [False, True, False, True, True]
    assert [pair is None for pair in result["intervals"]] == [False, True, False, True, True]
    assert [fsd is None for fsd in result["fsd"]] == [False, True, False, True, True]
    assert {(e["row"], e["field"], e["code"]) for e in result["errors"]} >= {
        (1, "LotArea", "impossible_value"),
        (3, None, "wrong_type"),
        (4, "OverallQual", "required"),
    }
    assert {e["row"] for e in result["errors"]} == {1, 3, 4}


def test_a_warning_keeps_its_row_behind_refused_ones(current_model: Path) -> None:
    result = make_prediction([None, LEAST, None, {**LEAST, "Alley": "Cobbles"}])

    assert [(w["row"], w["field"]) for w in result["warnings"]] == [(3, "Alley")]


def test_ids_are_given_back_where_any_row_has_one(current_model: Path) -> None:
    rows = [{**LEAST, "Id": 7}, LEAST, {**LEAST, "Id": 9.0}, {"Id": 11}, {**LEAST, "Id": "x"}, None]

    assert make_prediction(rows).get("ids") == [7, None, 9, 11, None, None]
    assert "ids" not in make_prediction([LEAST, {**LEAST, "Id": None}])


def test_the_identifier_does_not_move_the_price(current_model: Path) -> None:
    first, second = make_prediction([{**LEAST, "Id": 1}, {**LEAST, "Id": 99999}])["predictions"]

    assert first == second


@pytest.mark.parametrize("number", [10**20, 10**400], ids=["20 digits", "400 digits"])
def test_an_identifier_beyond_all_bounds_is_an_error_of_its_row(
    current_model: Path, number: int
) -> None:
    result = make_prediction([{**LEAST, "Id": number}, LEAST])

    assert [price is None for price in result["predictions"]] == [True, False]
    assert [(e["row"], e["field"]) for e in result["errors"]] == [(0, "Id")]


def test_bytes_and_objects_are_judged_alike(model: Model, houses: list[dict[str, Any]]) -> None:
    rows = [*houses, None, {**LEAST, "LotArea": -1}]
    body = json.dumps({"inputs": rows}).encode()

    assert model.predict_json(body) == model.predict(rows)


@pytest.mark.parametrize("digits", [20, 400, 4300])
@pytest.mark.parametrize("field", ["MSSubClass", "OverallCond", "Id", "Alley"])
def test_an_enormous_integer_in_a_body_spoils_its_row_only(
    model: Model, field: str, digits: int
) -> None:
    body = f'[{json.dumps(LEAST)[:-1]}, "{field}": {"9" * digits}}}, {json.dumps(LEAST)}]'

    result = model.predict_json(body.encode())

    assert result["predictions"][1] == model.predict(LEAST)["predictions"][0]


def test_validate_inputs_gives_the_rows_under_canonical_names(current_model: Path) -> None:
    rows = [{**LEAST, "FirstFlrSF": 900}, {**LEAST, "LotArea": "x"}, {**LEAST, "Alley": "Cobbles"}]

    result = validate_inputs(rows)

    assert set(result) == {"inputs", "errors", "warnings"}
    assert result["inputs"] == [{**LEAST, "1stFlrSF": 900}, None, rows[2]]
    assert result["errors"] == make_prediction(rows)["errors"] != []
    assert result["warnings"] == make_prediction(rows)["warnings"] != []


NOT_HOUSES: list[tuple[Any, str]] = [
    (None, "expected a house, a list of houses .* got null"),
    (7, "got number 7"),
    (1.5, "got number 1.5"),
    (True, "got true"),
    ("house", "got text 'house'"),
    (b"[]", "got a bytes"),
    ({1, 2}, "got a set"),
    (iter([LEAST]), "got a list_iterator"),
    (np.zeros((2, 79)), "got a ndarray"),
    (pd.Series(LEAST), "got a Series"),
    ([], "the list of houses is empty; send at least one"),
    ((), "the list of houses is empty; send at least one"),
    ({"inputs": []}, "the list of houses is empty; send at least one"),
    ({"inputs": None}, "got null"),
    ({"inputs": [LEAST], "explain": 1}, "explain must be true or false, got number 1"),
    ({"inputs": [LEAST], "because": True}, "unknown key 'because' beside 'inputs'"),
]


@pytest.mark.parametrize("function", [make_prediction, validate_inputs])
@pytest.mark.parametrize(("content", "message"), NOT_HOUSES)
def test_what_is_no_house_is_refused_as_a_whole(
    current_model: Path, function: Callable[[Any], Any], content: Any, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        function(content)


# Finding the model


def test_importing_loads_nothing_and_reads_nothing() -> None:
    program = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(given[0]) if event == "open" else None)
import regression_model
print([p for p in opened if not str(p).endswith((".py", ".pyc", ".pth"))])
print(sorted({"numpy", "pydantic", "onnxruntime", "pandas", "click"} & set(sys.modules)))
"""
    ended = run(program)

    assert ended.stdout.splitlines() == ["[]", "[]"], ended.stderr


def test_no_artifact_raises_model_not_found_with_the_command_that_makes_one(
    tmp_path: Path,
) -> None:
    program = f"from regression_model import make_prediction; make_prediction({LEAST!r})"

    ended = run(program, REGRESSION_MODEL_ARTIFACT=str(tmp_path))

    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("regression_model.errors.ModelNotFound: there is no trained model in")
    assert str(tmp_path) in last
    assert "regression-model train" in last


def test_the_environment_names_the_artifact(artifact: Path) -> None:
    program = f"from regression_model import make_prediction; print(make_prediction({LEAST!r}))"

    ended = run(program, REGRESSION_MODEL_ARTIFACT=str(artifact))

    assert ended.stdout.strip() == str(load_model(artifact).predict(LEAST)), ended.stderr


def test_a_folder_with_current_and_the_artifact_itself_are_the_same_model(artifact: Path) -> None:
    folder = artifact / artifact.joinpath("CURRENT").read_text().strip()

    assert load_model(folder).info() == load_model(artifact).info()
    assert load_model(str(folder)).predict(LEAST) == load_model(artifact).predict(LEAST)


def test_the_model_is_loaded_once(current_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_prediction(LEAST)
    monkeypatch.setattr("regression_model.predict.load_model", lambda _: pytest.fail("again"))

    assert make_prediction(LEAST) == first


def test_every_public_name_is_there_sorted_and_no_other() -> None:
    names = regression_model.__all__

    assert list(names) == sorted(names)
    assert all(getattr(regression_model, name) is not None for name in names)
    assert set(dir(regression_model)) == {*names, "__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'predict_houses'"):
        _ = regression_model.predict_houses


def test_a_model_says_which_it_is(model: Model, artifact: Path) -> None:
    info = model.info()

    assert set(info) == {"model_version", "artifact", "data", "trained_at"}
    assert info["artifact"] == artifact.joinpath("CURRENT").read_text().strip()
    assert info["data"] == "sample"


def test_the_golden_houses_give_their_prices_and_a_moved_one_is_told(
    model: Model, tmp_path: Path
) -> None:
    assert model.check_golden() == []
    files = {name: model.artifact.read(name) for name in model.artifact.manifest["files"]}
    golden = json.loads(files["golden.json"])
    golden[4]["prediction"] += 1.5
    files["golden.json"] = json.dumps(golden).encode()
    own = ("format", "version", "files", "digest")
    manifest = {name: v for name, v in model.artifact.manifest.items() if name not in own}
    save_artifact(tmp_path, version=model.version, manifest=manifest, files=files)

    (line,) = load_model(tmp_path).check_golden()

    assert line.startswith("golden house 4: expected ")


# What holds for every house


def _value(f: Feature) -> st.SearchStrategy[Any]:
    if f.has_levels:
        known = st.sampled_from([*f.levels, *f.spellings])
        unseen = st.text(max_size=8) if f.type == "text" else st.integers(-1000, 1000)
        return known | unseen
    low, high = f.minimum or 0.0, f.maximum or 0.0
    edges = st.sampled_from([low, high, *(f.range or ())])
    if f.type == "integer":
        return edges.map(int) | st.integers(int(low), int(high))
    near, far = f.range or (low, high)
    return edges | st.floats(near, far) | st.floats(low, high)


@pytest.fixture(scope="module")
def any_house(spec: Spec) -> st.SearchStrategy[dict[str, Any]]:
    """Valid houses, full or nearly empty, with extremes, nulls and unseen levels among them."""
    known = st.sampled_from([*random_houses(spec, 20, seed=11), LEAST])
    values = {f.name: _value(f) if f.required else st.none() | _value(f) for f in spec.inputs}
    names = st.sampled_from(sorted(values))
    change = names.flatmap(lambda name: st.tuples(st.just(name), values[name]))
    optional = st.sampled_from([f.name for f in spec.inputs if not f.required])

    def changed(house: dict[str, Any], changes: list[Any], absent: set[str]) -> dict[str, Any]:
        mixed = {**house, **dict(changes)}
        return {name: value for name, value in mixed.items() if name not in absent}

    return st.builds(changed, known, st.lists(change, max_size=12), st.sets(optional, max_size=12))


def draw_houses(
    data: st.DataObject, any_house: st.SearchStrategy[dict[str, Any]], *, most: int = 6
) -> list[dict[str, Any]]:
    return data.draw(st.lists(any_house, min_size=1, max_size=most))


@given(data=st.data())
def test_every_valid_house_has_a_price_inside_its_range(
    model: Model, any_house: Any, data: st.DataObject
) -> None:
    rows = draw_houses(data, any_house)

    result = model.predict(rows)

    assert result["errors"] == []
    assert len(result["predictions"]) == len(result["intervals"]) == len(rows)
    for price, pair in zip(result["predictions"], result["intervals"], strict=True):
        assert price is not None
        assert pair is not None
        assert 0 < pair[0] < price < pair[1] < math.inf


@given(data=st.data())
def test_price_is_the_geometric_middle_of_its_range_and_fsd_its_scale(
    model: Model, any_house: Any, data: st.DataObject
) -> None:
    interval = model.artifact.manifest["interval"]
    fsd_of_width = interval["fsd_log"] / interval["half_width_log"]

    result = model.predict(draw_houses(data, any_house))

    for price, pair, fsd in zip(
        result["predictions"], result["intervals"], result["fsd"], strict=True
    ):
        low, high = pair or []
        assert low * high == pytest.approx((price or 0) ** 2, rel=1e-5)
        assert fsd == pytest.approx(math.log(high / (price or 0)) * fsd_of_width, abs=1e-4)


@given(data=st.data())
def test_the_input_is_not_touched(model: Model, any_house: Any, data: st.DataObject) -> None:
    rows = [*draw_houses(data, any_house), {**LEAST, "FirstFlrSF": 900, "LotArea": -1}]
    before = copy.deepcopy(rows)
    frame = pd.DataFrame(rows)
    frame_before = frame.copy(deep=True)

    model.predict(rows)
    model.validate(rows)
    model.predict(frame)

    assert rows == before
    pd.testing.assert_frame_equal(frame, frame_before)


@given(data=st.data())
def test_a_batch_gives_what_its_houses_give_alone(
    model: Model, any_house: Any, data: st.DataObject
) -> None:
    rows = draw_houses(data, any_house)
    rows.insert(data.draw(st.integers(0, len(rows))), {**LEAST, "LotArea": -1})

    batch: Any = model.predict(rows)

    for i, row in enumerate(rows):
        alone: Any = model.predict([row])
        for key in ("predictions", "intervals"):
            assert batch[key][i] == pytest.approx(alone[key][0], abs=0.011)
        for key in ("errors", "warnings"):
            mine = [{**issue, "row": 0} for issue in batch[key] if issue["row"] == i]
            assert mine == alone[key]


@given(data=st.data())
def test_the_order_of_rows_does_not_matter(
    model: Model, any_house: Any, data: st.DataObject
) -> None:
    rows = draw_houses(data, any_house, most=8)
    order = data.draw(st.permutations(range(len(rows))))

    straight = model.predict(rows)["predictions"]
    shuffled = model.predict([rows[i] for i in order])["predictions"]

    assert shuffled == pytest.approx([straight[i] for i in order], abs=0.011)


@given(data=st.data())
def test_the_order_of_fields_does_not_matter(
    model: Model, any_house: Any, data: st.DataObject
) -> None:
    house = data.draw(any_house)
    turned = dict(data.draw(st.permutations(list(house.items()))))

    assert model.predict(turned) == model.predict(house)


@pytest.fixture(scope="module")
def loaded(artifact: Path) -> Any:
    from regression_model.training.persistence import load_pipeline

    return load_pipeline(open_artifact(artifact))


@given(data=st.data())
@settings(max_examples=25)
def test_the_saved_pipeline_gives_what_the_fitted_one_gave(
    trained: Any, loaded: Any, any_house: Any, data: st.DataObject
) -> None:
    rows = draw_houses(data, any_house)

    np.testing.assert_array_equal(loaded.predict(rows), trained.pipeline.predict(rows))


@given(data=st.data())
@settings(max_examples=60)
def test_the_two_twins_give_the_same_price(
    model: Model, loaded: Any, any_house: Any, data: st.DataObject
) -> None:
    rows = draw_houses(data, any_house)

    # A dollar, and a millionth of prices above a million.
    assert model.predict(rows)["predictions"] == pytest.approx(
        loaded.predict(rows).tolist(), abs=1.0, rel=1e-6
    )


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)  # lone surrogates included
    | st.binary(max_size=5)
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["inputs", "Id", *LEAST]), inner)
    ),
    max_leaves=8,
)


@given(content=ANYTHING)
@settings(max_examples=300)
def test_whatever_is_given_is_answered_or_refused_as_documented(model: Model, content: Any) -> None:
    try:
        result = model.predict(content)
    except InvalidInput:
        return
    prices = result["predictions"]
    assert {i for i, price in enumerate(prices) if price is None} == {
        error["row"] for error in result["errors"]
    }


# Tables


@pytest.fixture
def frame(spec: Spec) -> pd.DataFrame:
    """Sales as pandas holds them, the price included."""
    from regression_model.sales.sample import generate

    return generate(40, seed=7, spec=spec)


def prices(model: Model, data: Any) -> list[float]:
    """The prices of ``data``, which has nothing to complain about."""
    result = model.predict(data)
    assert result["errors"] == []
    assert [w for w in result["warnings"] if w["row"] is None] == []
    return [price for price in result["predictions"] if price is not None]


def test_a_frame_a_list_and_json_give_the_same_answer(model: Model, frame: pd.DataFrame) -> None:
    body = frame.drop(columns="SalePrice").to_json(orient="records").encode()
    expected = model.predict(frame)

    assert len(prices(model, frame)) == 40
    assert model.predict(json.loads(body)) == expected
    assert model.predict_json(body) == expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: f.convert_dtypes(), id="nullable dtypes"),
        pytest.param(lambda f: f.convert_dtypes(dtype_backend="pyarrow"), id="arrow dtypes"),
        pytest.param(lambda f: f.astype(object), id="object"),
        pytest.param(lambda f: f.astype("category"), id="category"),
        pytest.param(lambda f: f.astype({"GarageYrBlt": "Int64"}), id="Int64 with NA"),
        pytest.param(lambda f: f.astype({"LotArea": "float32"}), id="float32"),
        pytest.param(lambda f: f.astype({"OverallQual": "int8"}), id="int8"),
        pytest.param(lambda f: f.assign(LotArea=f.LotArea.map(Decimal)), id="Decimal"),
        pytest.param(lambda f: f.astype({"MiscVal": pd.SparseDtype("int64", 0)}), id="sparse"),
        pytest.param(lambda f: f.drop(columns="SalePrice"), id="without the target"),
        pytest.param(lambda f: f.assign(SalePrice="secret"), id="a target that is no number"),
        pytest.param(lambda f: f.assign(SalePrice=f.SalePrice * 2), id="another target"),
        pytest.param(lambda f: f[sorted(f.columns)], id="columns in another order"),
        pytest.param(lambda f: f.set_index(f.index[::-1]), id="another index"),
        pytest.param(lambda f: f.set_index(pd.Index([0] * len(f))), id="an index that repeats"),
        pytest.param(lambda f: f.rename(columns={"1stFlrSF": "FirstFlrSF"}), id="an alias"),
    ],
)
def test_how_pandas_holds_the_values_does_not_matter(
    model: Model, frame: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    assert prices(model, change(frame)) == prices(model, frame)


def test_a_missing_cell_of_every_kind_is_null(model: Model, frame: pd.DataFrame) -> None:
    texts = frame["Alley"].astype(object)
    expected = prices(model, frame.assign(Alley=None, LotFrontage=None))

    assert texts.notna().any()
    for missing in (None, math.nan, pd.NA, pd.NaT):
        emptied = frame.assign(
            Alley=pd.Series([missing] * len(frame), dtype=object),
            LotFrontage=pd.Series([missing] * len(frame), dtype=object),
        )
        assert prices(model, emptied) == expected


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("FullBath", True, "FullBath must be a whole number, got true"),
        ("FullBath", pd.array([True] * 40, dtype="boolean"), "got true"),
        ("FullBath", "1", "FullBath must be a whole number, got text '1'; remove the quotes"),
        ("FullBath", 1.5, "FullBath must be a whole number, got 1.5"),
        ("YrSold", pd.Timestamp("2010-01-01"), "YrSold must be a whole number, got a Timestamp"),
        ("LotArea", math.inf, "LotArea must be a finite number"),
        ("LotArea", -1, "LotArea must lie in 0 to 100000000 square feet"),
        ("Alley", 3, "Alley must be text, got number 3"),
        ("GrLivArea", None, "GrLivArea is required"),
    ],
)
def test_a_column_of_the_wrong_kind_is_an_error_in_every_row(
    model: Model, frame: pd.DataFrame, column: str, values: Any, message: str
) -> None:
    result = model.predict(frame.assign(**{column: values}))

    assert result["predictions"] == [None] * 40
    assert [e["row"] for e in result["errors"]] == list(range(40))
    assert all(e["field"] == column and message in e["message"] for e in result["errors"])


def test_unknown_columns_of_a_frame_give_one_warning(model: Model, frame: pd.DataFrame) -> None:
    result = model.predict(frame.assign(Colour="red", Cats=2))

    assert result["predictions"] == prices(model, frame)
    assert [w for w in result["warnings"] if w["row"] is None] == [
        {
            "row": None,
            "field": None,
            "code": "unknown_column",
            "message": "2 unknown column(s) are not used: Colour, Cats",
            "value": None,
        }
    ]


def test_a_column_given_twice_is_refused(model: Model, frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame[["LotArea"]]], axis=1)

    with pytest.raises(InvalidInput, match="column 'LotArea' appears twice"):
        model.predict(twice)


@pytest.mark.parametrize("columns", [[], ["LotArea", "OverallQual"]])
def test_a_frame_without_rows_is_refused(model: Model, columns: list[str]) -> None:
    with pytest.raises(InvalidInput, match="the table has no rows; give at least one"):
        model.predict(pd.DataFrame(columns=columns))


def test_a_frame_of_unknown_columns_only_keeps_its_rows(model: Model) -> None:
    result = model.predict(pd.DataFrame({"Colour": ["red", "blue"]}))

    assert result["predictions"] == [None, None]
    assert {(e["row"], e["code"]) for e in result["errors"]} == {(0, "required"), (1, "required")}


def test_a_subclass_of_the_frame_is_a_frame(model: Model, frame: pd.DataFrame) -> None:
    class Parcels(pd.DataFrame):
        """As GeoPandas and others have it."""

    assert prices(model, Parcels(frame)) == prices(model, frame)
