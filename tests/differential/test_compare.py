"""What a comparison measures, and what holds for any two models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regression_model import InvalidInput, load_model
from regression_model.artifact import open_artifact
from regression_model.config.reader import bundled_config, parse_spec
from regression_model.differential.compare import Difference, compare, steps_of
from regression_model.differential.houses import generated_houses, read_houses
from regression_model.differential.movement import movement
from regression_model.sales.sample import generate, write_sample
from regression_model.training.fit import train
from regression_model.training.persistence import save_trained

Variant = Callable[..., Path]
HEADER = "Id,Neighborhood,OverallQual,YearBuilt,GrLivArea"


@pytest.fixture(scope="module")
def other(variant: Variant) -> Any:
    """A model whose linear member thinks otherwise of two fields."""

    def tilt(pipeline: Any) -> None:
        linear = pipeline[-1].regressor_.estimators_[0]
        names = list(linear[:-1].get_feature_names_out())
        for name, amount in (("LotArea", 0.3), ("OverallQual", -0.2)):
            linear[-1].coef_[names.index(name)] += amount

    return load_model(variant(tilt))


@pytest.fixture(scope="module")
def there(model: Any, other: Any) -> Difference:
    return compare(model, other, generated_houses(model, other, count=200), movers=4)


@pytest.fixture(scope="module")
def back(model: Any, other: Any) -> Difference:
    return compare(other, model, generated_houses(other, model, count=200), movers=4)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=50))
def test_movement_is_the_same_in_both_directions(log_ratios: list[float]) -> None:
    there, back = (movement("", sign * np.array(log_ratios)) for sign in (1, -1))

    for figure in ("median_move", "largest_move", "moved_5", "moved_10"):
        assert getattr(there, figure) == getattr(back, figure)
    assert (1 + there.shift) * (1 + back.shift) == pytest.approx(1)


def test_a_move_is_the_excess_of_the_higher_price() -> None:
    found = movement("", np.log([1.2, 1 / 1.2, 1.06, 1.0]))

    assert found.largest_move == pytest.approx(0.2)
    assert (found.moved_5, found.moved_10) == (0.75, 0.5)
    assert found.median_move == pytest.approx(0.13)


def test_back_mirrors_there(there: Difference, back: Difference) -> None:
    assert np.array_equal(back.log_ratio, -there.log_ratio)
    assert there.log_ratio.any()
    assert [d.name for d in back.deciles] == [d.name for d in there.deciles]
    assert [m.row for m in back.movers] == [m.row for m in there.movers]
    assert [(f.field, f.old, f.new) for f in back.fields] == [
        (f.field, f.new, f.old) for f in there.fields
    ]
    assert [(r.field, r.probe, r.change) for r in back.reactions] == [
        (r.field, r.probe, -r.change) for r in there.reactions
    ]


def test_the_changes_of_all_fields_add_up_to_the_move(there: Difference) -> None:
    assert len(there.movers) == 4
    for mover in there.movers:
        total = mover.why.level + sum(field.change for field in mover.why.fields)
        assert total == pytest.approx(np.log(mover.new / mover.old), abs=1e-9)
        assert mover.why.fields[0].field in ("LotArea", "OverallQual")


def test_movers_come_in_the_order_of_their_moves(there: Difference) -> None:
    moves = [abs(np.log(mover.new / mover.old)) for mover in there.movers]

    assert moves == sorted(moves, reverse=True)
    assert moves[0] == pytest.approx(np.abs(there.log_ratio).max())


def test_strata_hold_every_house_once(there: Difference) -> None:
    for groups in (there.deciles, there.locations):
        assert sum(group.houses for group in groups) == len(there.log_ratio) == 200


def test_generated_houses_have_prices_where_both_models_learnt_from_such(
    model: Any, variant: Variant, artifact: Path
) -> None:
    data = open_artifact(artifact).manifest["data"]
    real = load_model(variant(data={**data, "source": "file"}))

    assert not np.isnan(generated_houses(model, model, count=5).prices).any()
    assert np.isnan(generated_houses(model, real, count=5).prices).all()


def test_a_table_without_prices_gives_movement_only(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(f"{HEADER}\n1,NAmes,5,1960,1000\n2,OldTown,6,1920,1500\n")

    found = compare(model, model, read_houses(path, model, model))

    assert found.studies is None
    assert found.houses.notices == []
    assert found.overall.houses == 2


def test_a_table_with_prices_is_studied_and_recognised(
    model: Any, sales: Any, tmp_path: Path
) -> None:
    path = tmp_path / "sold.csv"
    write_sample(path, 60, seed=3)
    path.write_text(path.read_text().rstrip("\n").rpartition(",")[0] + ",-1\n")

    found = compare(model, model, read_houses(path, model, model))

    assert found.studies is not None
    assert found.studies.new.sales == 59
    assert found.houses.notices == ["1 house(s) without a possible price count for movement only"]
    assert not found.studies.new_has_seen


def test_houses_that_one_model_refuses_are_named(
    model: Any, variant: Variant, artifact: Path, tmp_path: Path
) -> None:
    spec = copy.deepcopy(open_artifact(artifact).manifest["spec"])
    (feature,) = (f for f in spec["features"] if f["name"] == "GrLivArea")
    feature["maximum"] = 6000
    strict = load_model(variant(spec=spec))
    path = tmp_path / "houses.csv"
    rows = ["1,NAmes,5,1960,1000", "2,NAmes,5,1960,7000", "3,NAmes,5,1960,-1"]
    path.write_text("\n".join([HEADER, *rows]) + "\n")

    found = compare(model, strict, read_houses(path, model, strict))

    (refusal,) = found.refusals
    assert (refusal.row, refusal.id, refusal.by) == (1, 2, "new")
    assert "GrLivArea must lie in" in refusal.reason
    assert found.refused_by_both == 1
    assert ("features.GrLivArea.maximum", "6000.0") in [(d.what, d.new) for d in found.descriptions]


def test_models_of_different_fields_are_compared_by_name(
    model: Any, spec: Any, sales: Any, tmp_path: Path
) -> None:
    text = bundled_config().replace("n_estimators: 600", "n_estimators: 40")
    start = text.index("  MiscVal:\n")
    end = text.index("  MoSold:\n")
    fewer = parse_spec(text[:start] + text[end:], label="config.yml")
    kept = sales.frame.drop(columns="MiscVal")
    narrower = replace(sales, frame=kept)
    save_trained(tmp_path, fewer, narrower, train(fewer, narrower, force=True), config=text)
    new = load_model(tmp_path)

    found = compare(model, new, generated_houses(model, new, count=50))

    assert ("features.MiscVal", "present", "absent") in found.descriptions
    assert len(found.fields) == len(model.spec.inputs)
    (gone,) = (f for f in found.fields if f.field == "MiscVal")
    assert gone.new == 0
    assert "MiscVal" not in {reaction.field for reaction in found.reactions}


def test_nothing_to_compare_is_refused(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(f"{HEADER}\n1,NAmes,5,1960,-1\n")

    with pytest.raises(InvalidInput, match=r"no house that both models value \(GrLivArea must"):
        compare(model, model, read_houses(path, model, model))
    path.write_text(f"{HEADER}\n")
    with pytest.raises(InvalidInput, match=r"houses\.csv has no rows"):
        read_houses(path, model, model)


def test_progress_reaches_its_end_and_not_beyond(model: Any, other: Any) -> None:
    houses, told = generated_houses(model, other, count=150), list[str]()

    compare(model, other, houses, movers=4, step=told.append)

    total = steps_of(model, other, houses, movers=4)
    assert 0.9 * total < len(told) <= total


def test_generated_houses_are_none_that_training_saw(model: Any) -> None:
    houses = generated_houses(model, model, count=20)
    trained_on = generate(20, seed=model.spec.seed, spec=model.spec)

    assert houses.prices.tolist() != trained_on[model.spec.target.name].tolist()
