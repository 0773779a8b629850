"""Explanations add up to the cent, change no price, and start at a house that there could be."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regression_model import ArtifactCorrupt, Explanation, Model, load_model, make_prediction
from regression_model.artifact import COMPARABLES, Artifact, open_artifact
from regression_model.artifact_folders import save_artifact
from regression_model.config.spec import Spec
from regression_model.explaining.explain import Explainer, decoded, typical_row
from regression_model.explaining.past_sales import PastSales, read_past_sales
from regression_model.training.twin.edge_houses import random_houses

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}

House = dict[str, Any]


@pytest.fixture(scope="module")
def past(model: Model) -> PastSales:
    return read_past_sales(model.artifact, model.spec)


@pytest.fixture(scope="module")
def edge_houses(spec: Spec) -> list[House]:
    """Houses at and beyond the edges of the possible."""
    return random_houses(spec, 200, seed=11)


def explained(model: Model, house: House) -> Explanation:
    (explanation,) = model.predict(house, explain=True)["explanations"]
    assert explanation is not None
    return explanation


def cents(dollars: float) -> int:
    whole = round(dollars * 100)
    assert whole / 100 == dollars
    return whole


def assert_adds_up(price: float, explanation: Explanation, spec: Spec) -> None:
    amounts = explanation["contributions"]
    total = sum(cents(v) for v in amounts.values())

    assert set(amounts) == {f.name for f in spec.inputs}
    assert total == cents(price) - cents(explanation["baseline"]["price"])
    sizes = [abs(v) for v in amounts.values()]
    assert sizes == sorted(sizes, reverse=True)


@settings(max_examples=40)
@given(data=st.data())
def test_contributions_add_up_for_every_house(
    data: st.DataObject, model: Model, spec: Spec, edge_houses: list[House]
) -> None:
    house = data.draw(st.sampled_from(edge_houses))
    result = model.predict(house, explain=True)

    for price, explanation in zip(result["predictions"], result["explanations"], strict=True):
        assert (price is None) == (explanation is None)
        if price is not None and explanation is not None:
            assert_adds_up(price, explanation, spec)


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_a_row_is_explained_alike_alone_and_in_any_company(
    model: Model, edge_houses: list[House], random: Any
) -> None:
    rows = random.sample(edge_houses, 4)

    together = model.predict(rows, explain=True)

    for i, row in enumerate(rows):
        alone = model.predict(row, explain=True)
        assert alone["explanations"] == together["explanations"][i : i + 1]
        assert alone["comparables"] == together["comparables"][i : i + 1]


def test_explaining_leaves_everything_else_as_it_was(
    model: Model, houses: list[House], edge_houses: list[House]
) -> None:
    rows = [*houses, None, *edge_houses]
    plain = model.predict(rows)

    result = model.predict(rows, explain=True)

    assert {key: result[key] for key in plain} == plain  # type: ignore[literal-required]
    assert set(result) - set(plain) == {"explanations", "comparables"}


def test_refused_rows_are_not_explained_and_keep_their_place(model: Model) -> None:
    result = model.predict([None, LEAST, {**LEAST, "LotArea": -1}, LEAST], explain=True)

    for key in ("explanations", "comparables"):
        assert [entry is None for entry in result[key]] == [True, False, True, False]  # type: ignore[literal-required]
    nothing = model.predict([None], explain=True)
    assert nothing["explanations"] == nothing["comparables"] == [None]


@pytest.mark.parametrize("way", ["keyword", "object", "body", "body and keyword"])
def test_every_way_of_asking_gives_the_same(
    model: Model, artifact: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    wrapped = {"inputs": [LEAST], "explain": True}
    ways = {
        "keyword": lambda: make_prediction([LEAST], explain=True),
        "object": lambda: make_prediction(wrapped),
        "body": lambda: model.predict_json(json.dumps(wrapped).encode()),
        "body and keyword": lambda: model.predict_json(
            json.dumps({"inputs": [LEAST], "explain": False}).encode(), explain=True
        ),
    }

    assert ways[way]() == model.predict_rows([LEAST], explain=True)


def test_the_answer_is_plain_json(model: Model, houses: list[House]) -> None:
    result = model.predict([*houses[:3], None], explain=True)

    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_callers_changes_do_not_reach_the_next_explanation(model: Model) -> None:
    first = explained(model, LEAST)
    before = json.dumps(first)
    first["baseline"]["house"].clear()
    first["baseline"]["name"] = "x"

    assert json.dumps(explained(model, LEAST)) == before


# The baseline


def test_the_baseline_is_a_house_that_gets_the_baselines_price(
    model: Model, houses: list[House]
) -> None:
    names = set()
    for house in houses[:20]:
        baseline = explained(model, house)["baseline"]
        result = model.predict(baseline["house"], explain=True)

        assert result["errors"] == result["warnings"] == []
        assert result["predictions"] == [baseline["price"]]
        (own,) = result["explanations"]
        assert own is not None
        if own["baseline"]["name"] == baseline["name"]:
            assert set(own["contributions"].values()) == {0}
            assert own["standard_error"] == 0
        names.add(baseline["name"])
    assert len(names) > 3


def test_the_typical_house_is_the_one_that_plain_loops_find(past: PastSales, spec: Spec) -> None:
    sales = past.matrix[:77]
    house = decoded(typical_row(sales, spec.inputs), spec.inputs)

    for j, f in enumerate(spec.inputs):
        column = [value for value in sales[:, j].tolist() if value == value]
        if 2 * len(column) <= len(sales):
            assert f.name not in house
        elif f.has_levels:
            codes = Counter(sorted(column)).most_common(1)
            assert house[f.name] == f.levels[int(codes[0][0])]
        else:
            assert house[f.name] == pytest.approx(statistics.median_low(column))
            assert type(house[f.name]) is (int if f.type == "integer" else float)


def test_a_location_of_ten_sales_has_a_typical_house_of_its_own_and_one_of_nine_has_not(
    past: PastSales, spec: Spec
) -> None:
    assert spec.location is not None
    place = spec.inputs.index(spec.location)
    few, enough = 3.0, 4.0
    matrix = past.matrix.copy()
    matrix[:, place] = 0
    matrix[:9, place], matrix[9:19, place] = few, enough
    sales = PastSales(matrix, past.prices, past.out_of_fold, past.ids, past.weights)
    explainer = Explainer(spec, sales, lambda m: np.full(len(m), 1e5))

    names = []
    for code in (few, enough, np.nan):
        house = matrix[50].copy()
        house[place] = code
        names.append(explainer.explain(house, 1e5)["baseline"]["name"])

    everywhere = "typical house of all locations (400 sales)"
    level = spec.location.levels[int(enough)]
    assert names == [everywhere, f"typical house of {level} (10 sales)", everywhere]


def test_a_location_never_seen_is_explained_from_all_sales(model: Model) -> None:
    baseline = explained(model, {**LEAST, "Neighborhood": "Nowhere"})["baseline"]

    assert baseline["name"] == "typical house of all locations (400 sales)"


# What the artifact must hold


def rewritten(artifact: Path, folder: Path, **changed: bytes | None) -> Path:
    """The artifact with some files replaced, or left out where None."""
    opened = open_artifact(artifact)
    manifest = {k: v for k, v in opened.manifest.items() if k not in ("digest", "files", "format")}
    files = {name: opened.read(name) for name in opened.manifest["files"]} | changed
    kept = {name: content for name, content in files.items() if content is not None}
    save_artifact(folder, version=manifest.pop("version"), manifest=manifest, files=kept)
    return folder


def test_an_artifact_without_past_sales_prices_and_does_not_explain(
    artifact: Path, model: Model, tmp_path: Path
) -> None:
    old = load_model(rewritten(artifact, tmp_path, **{COMPARABLES: None}))

    assert old.predict(LEAST) == {**model.predict(LEAST), "artifact": old.label}
    with pytest.raises(ArtifactCorrupt, match=r"has no comparables\.npz; train a new one"):
        old.predict(LEAST, explain=True)


def test_damaged_past_sales_are_refused_before_they_are_read(
    artifact: Path, model: Model, tmp_path: Path
) -> None:
    loaded = load_model(rewritten(artifact, tmp_path))
    path = loaded.artifact.folder / COMPARABLES
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    assert loaded.predict(LEAST) == model.predict(LEAST)
    with pytest.raises(ArtifactCorrupt, match=r"comparables\.npz of artifact .* SHA-256"):
        loaded.predict(LEAST, explain=True)


def test_past_sales_are_read_once_by_the_first_that_asks(
    artifact: Path, model: Model, houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = Artifact.read

    def recording(self: Artifact, name: str) -> bytes:
        read.append(name)
        return original(self, name)

    monkeypatch.setattr(Artifact, "read", recording)
    fresh = load_model(artifact)
    fresh.predict(houses)
    assert COMPARABLES not in read

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda h: fresh.predict(h, explain=True), houses[:16]))

    assert read.count(COMPARABLES) == 1
    assert answers == [model.predict(h, explain=True) for h in houses[:16]]


# The guide


def test_the_example_of_the_guide_works(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    guide = Path(__file__).resolve().parents[2].joinpath("docs/explanations.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    names: dict[str, Any] = {}

    exec(compile(code, "explanations.md", "exec"), names)  # noqa: S102  # the guide's own example

    (sales,) = names["result"]["comparables"]
    assert {f"`{key}`" for key in sales[0]} == set(re.findall(r"^\| (`\w+`) \|", guide, re.M))
    assert set(names["result"]["explanations"][0]) == set(Explanation.__annotations__)
