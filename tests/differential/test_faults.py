"""Faults that a release must not carry: each is past a limit, and named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regression_model import load_model
from regression_model.artifact import open_artifact
from regression_model.differential.compare import Difference
from regression_model.differential.limits import Check, checks_of, leading_fields, limits_in_force
from regression_model.training import pipeline as pipelines
from regression_model.training.fit import train
from regression_model.training.persistence import save_trained

Compare = Callable[[Path], Difference]
Variant = Callable[..., Path]


def failed(difference: Difference) -> dict[str, Check]:
    checks = checks_of(difference, limits_in_force(difference))
    return {check.name: check for check in checks if not check.passed}


def changed_spec(artifact: Path) -> Any:
    return copy.deepcopy(open_artifact(artifact).manifest["spec"])


def member(pipeline: Any, name: str) -> Any:
    blend = pipeline[-1].regressor_
    names = [name for name, _ in blend.estimators]
    return blend.estimators_[names.index(name)]


def test_the_same_model_passes(compared: Compare, artifact: Path) -> None:
    difference = compared(artifact)

    assert failed(difference) == {}
    assert not difference.log_ratio.any()
    assert difference.movers == difference.descriptions == []


def test_dropped_clipping_shows_beyond_the_ranges_only(
    compared: Compare, variant: Variant, model: Any
) -> None:
    def drop(pipeline: Any) -> None:
        pipeline.steps = [step for step in pipeline.steps if step[0] != "clip"]

    difference = compared(variant(drop))

    past = failed(difference)
    assert difference.overall.moved_5 <= 0.01
    assert "beyond" in past
    assert "far above its range" in past["beyond"].where or "far below" in past["beyond"].where


def test_a_changed_imputation_is_named_by_the_field_that_is_hidden(
    compared: Compare, variant: Variant
) -> None:
    def fill_with_nothing(pipeline: Any) -> None:
        impute = pipeline.named_steps["impute"]
        impute.fill_[list(impute.feature_names_in_).index("GrLivArea")] = 0.0
        impute.fill_[list(impute.feature_names_in_).index("TotalBsmtSF")] = 6000.0

    past = failed(compared(variant(fill_with_nothing)))

    assert past["hidden"].where.startswith("TotalBsmtSF hidden")


def test_a_dropped_logarithm_is_named_in_the_model_trained_without_it(
    compared: Compare,
    model: Any,
    spec: Any,
    sales: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipelines, "_skew_steps", lambda spec, member: [])
    save_trained(tmp_path, spec, sales, train(spec, sales, force=True), config="")

    difference = compared(tmp_path)

    skewed = {f.name for f in (*spec.inputs, *spec.derived) if f.transform != "none"}
    assert difference.fields[0].field in skewed
    assert "contribution" in failed(difference)
    named = {item.what: (item.old, item.new) for item in difference.descriptions}
    assert named["steps.blend__regressor__linear__log"] == ("LogTransformer", "absent")


@pytest.mark.parametrize(
    ("one", "other"),
    [("YearBuilt", "YearRemodAdd"), ("1stFlrSF", "2ndFlrSF"), ("ExterQual", "ExterCond")],
)
def test_swapped_features_are_named(
    compared: Compare, variant: Variant, artifact: Path, one: str, other: str
) -> None:
    spec = changed_spec(artifact)
    names = [feature["name"] for feature in spec["features"]]
    i, j = names.index(one), names.index(other)
    spec["features"][i], spec["features"][j] = spec["features"][j], spec["features"][i]

    difference = compared(variant(spec=spec))

    assert failed(difference)
    assert {one, other} & set(leading_fields(difference).split(", "))
    (order,) = difference.descriptions
    assert order.what == "order of the inputs"
    assert one in order.new
    assert other in order.new


def test_a_changed_coefficient_is_named(compared: Compare, variant: Variant) -> None:
    def double(pipeline: Any) -> None:
        linear = member(pipeline, "linear")
        names = list(linear[:-1].get_feature_names_out())
        linear[-1].coef_[names.index("LotArea")] += 0.1

    past = failed(compared(variant(double)))

    assert past["contribution"].where == "LotArea"


def test_a_change_that_is_shown_as_none_has_no_culprit(compared: Compare, variant: Variant) -> None:
    def tilt(pipeline: Any) -> None:
        member(pipeline, "linear")[-1].coef_ *= 1.000001

    difference = compared(variant(tilt))
    checks = checks_of(difference, limits_in_force(difference))
    changes = {check.name: check for check in checks if check.name in ("contribution", "hidden")}

    assert difference.log_ratio.any()
    assert {check.shown for check in changes.values()} == {"0.00%"}
    assert {check.where for check in changes.values()} == {""}


def test_a_changed_constant_is_a_shift_of_all_houses_and_of_no_field(
    compared: Compare, higher_priced: Path
) -> None:
    difference = compared(higher_priced)

    past = failed(difference)
    assert {"moved_5", "moved_10", "median_move", "decile_shift"} <= set(past)
    assert past["moved_10"].value == 1
    assert "contribution" not in past
    assert difference.overall.shift == pytest.approx(0.2)
    assert all(mover.why.level == pytest.approx(0.18232, abs=1e-4) for mover in difference.movers)


def test_other_libraries_data_and_versions_are_named(
    compared: Compare, variant: Variant, artifact: Path
) -> None:
    manifest = open_artifact(artifact).manifest
    other = variant(
        version="9.9.9",
        libraries={**manifest["libraries"], "numpy": "0.0.1"},
        data={**manifest["data"], "rows": 7},
    )

    named = {d.what: (d.old, d.new) for d in compared(other).descriptions}

    assert set(named) == {"version", "libraries.numpy", "data.rows"}
    assert named["data.rows"] == ("400", "7")
    assert load_model(other).version == "9.9.9"
