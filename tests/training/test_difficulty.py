"""Odd houses, and those of which little is known, are harder to value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.model import Model
from regression_model.reading.validation import House
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer
from regression_model.training.difficulty import (
    FLOOR,
    DifficultyRegressor,
    build_difficulty,
    difficulty_features,
    hide_fields,
    predict_difficulty,
)
from regression_model.training.evidence import (
    Evidence,
    cross_fitted_difficulty,
    gather_evidence,
    learn_difficulty,
)
from regression_model.training.fit import Trained
from regression_model.training.twin.compile import compile_pipeline


@pytest.fixture(scope="module")
def encoded(sales: Sales, trained: Trained) -> pd.DataFrame:
    frame: pd.DataFrame = trained.pipeline[:1].transform(sales.frame)
    return frame


def synthetic_evidence(count: int, repeats: int = 1) -> Evidence:
    """Errors four times as large where the first feature is positive."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(count * repeats, 3))
    size = np.where(features[:, 0] > 0, 0.4, 0.1)
    position = np.tile(np.arange(count), repeats)
    return Evidence(
        features=features,
        error=rng.normal(size=count * repeats) * size,
        sale=position,
        repeat=np.repeat(np.arange(repeats), count),
        fold=position % 4,
        copy=np.zeros(count * repeats, int),
    )


def test_large_errors_are_foreseen_by_models_of_the_other_folds(spec: Spec) -> None:
    evidence = synthetic_evidence(1200)
    difficulty = cross_fitted_difficulty(spec, evidence)
    large, small = (
        difficulty[side] for side in (evidence.features[:, 0] > 0, evidence.features[:, 0] <= 0)
    )

    # The quantile at 90% of the size of a normal error is 1.645 standard deviations.
    assert np.median(large) == pytest.approx(0.4 * 1.645, rel=0.2)
    assert np.median(small) == pytest.approx(0.1 * 1.645, rel=0.2)


def test_own_fold_has_no_say_in_the_difficulty_of_a_sale(spec: Spec) -> None:
    evidence = synthetic_evidence(200)
    own = evidence.fold == 2
    shaken = replace(evidence, error=np.where(own, 100.0, evidence.error))
    before, after = (cross_fitted_difficulty(spec, e) for e in (evidence, shaken))

    np.testing.assert_array_equal(after[own], before[own])
    assert not np.array_equal(after[~own], before[~own])


def test_repeats_are_judged_apart(spec: Spec) -> None:
    both = synthetic_evidence(200, repeats=2)
    first = both.repeat == 0

    np.testing.assert_array_equal(
        cross_fitted_difficulty(spec, both)[first],
        cross_fitted_difficulty(spec, both.where(first)),
    )


def test_difficulty_never_falls_below_the_floor() -> None:
    features = np.arange(40.0)[:, None]
    fitted = DifficultyRegressor(loss="quantile", alpha=0.9).fit(features, np.zeros(40))

    np.testing.assert_array_equal(fitted.predict(features), FLOOR)


def test_evidence_is_of_unseen_sales_and_copies_that_hide_fields(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    unseen = np.array([3, 5, 8])
    found = gather_evidence(spec, trained.pipeline, sales, unseen, repeat=1, fold=2)
    copies = spec.difficulty.copies if spec.difficulty else 0
    estimates = trained.pipeline.predict(sales.frame.iloc[unseen])

    assert found.sale.tolist() == unseen.tolist() * (1 + copies)
    assert sorted(set(found.copy.tolist())) == list(range(1 + copies))
    np.testing.assert_allclose(
        found.error[found.copy == 0], np.log(sales.prices[unseen] / estimates), atol=1e-12
    )
    unknown = found.features[:, -3]
    as_given = sales.frame.iloc[unseen][[f.name for f in spec.inputs]].isna().sum(axis=1)
    assert (unknown[found.copy > 0] >= unknown[found.copy == 0].min()).all()
    assert (unknown[found.copy == 0] <= as_given).all()  # null may be a level


def test_hiding_spares_required_fields_and_what_it_is_given(
    spec: Spec, encoded: pd.DataFrame
) -> None:
    before = encoded.copy()
    hidden = hide_fields(spec, encoded, np.random.default_rng(0))
    required = [f.name for f in spec.inputs if f.required]

    pd.testing.assert_frame_equal(encoded, before)
    pd.testing.assert_frame_equal(hidden[required], encoded[required])
    share = hidden.isna().mean(axis=1)
    assert share.min() < 0.15
    assert share.max() > 0.85
    known = hidden.notna()
    assert (hidden.where(known) == encoded.where(known)).to_numpy()[known.to_numpy()].all()


def test_features_end_with_flags_count_distance_and_estimate(
    spec: Spec, encoded: pd.DataFrame, trained: Trained
) -> None:
    features = difficulty_features(trained.pipeline, encoded)
    width = len(spec.inputs)
    flags, count, distance, log_price = np.split(
        features[:, -(width + 3) :], [width, width + 1, width + 2], axis=1
    )
    prepared = trained.pipeline[1:-1].transform(encoded)
    members = [m.predict(prepared) for m in trained.pipeline[-1].regressor_.estimators_]

    np.testing.assert_array_equal(flags, encoded.isna())
    np.testing.assert_array_equal(count[:, 0], encoded.isna().sum(axis=1))
    np.testing.assert_allclose(distance[:, 0], np.ptp(members, axis=0))
    np.testing.assert_allclose(np.exp(log_price[:, 0]), trained.pipeline[1:].predict(encoded))


def test_without_the_section_every_house_is_as_hard(
    spec: Spec, sales: Sales, trained: Trained, encoded: pd.DataFrame
) -> None:
    constant = spec.model_copy(update={"difficulty": None})
    evidence = trained.judgement.evidence

    assert build_difficulty(constant) is None
    assert learn_difficulty(constant, evidence) is None
    np.testing.assert_array_equal(cross_fitted_difficulty(constant, evidence), 1.0)
    np.testing.assert_array_equal(predict_difficulty(None, trained.pipeline, encoded), 1.0)
    value = Scorer(compile_pipeline(trained.pipeline), half_width=0.2).score(
        encoded.to_numpy(np.float32)
    )
    np.testing.assert_allclose(np.log(value.high / value.low), 0.4, rtol=1e-9)


def test_houses_of_which_less_is_known_get_wider_ranges(
    spec: Spec, model: Model, houses: list[House]
) -> None:
    required = {f.name for f in spec.features if f.required}
    half = [f.name for f in spec.inputs if not f.required][::2]
    known = [{name: h[name] for name in h if name not in half} for h in houses]
    least = [{name: h[name] for name in required} for h in houses]
    full, partly, hardly = (widths(model, rows) for rows in (houses, known, least))

    assert np.median(partly / full) > 1.2
    assert np.median(hardly / partly) > 1.05
    assert np.mean(hardly > full) > 0.95


def test_unseen_levels_are_unknown_and_widen_the_range(
    spec: Spec, model: Model, houses: list[House]
) -> None:
    levels = [f.name for f in spec.inputs if f.has_levels and f.type == "text" and not f.required]
    strange = [{**h, **dict.fromkeys(levels, "never seen")} for h in houses]

    assert np.mean(widths(model, strange) > widths(model, houses)) > 0.9


def widths(model: Model, rows: list[House]) -> np.ndarray:
    ranges = np.array(model.predict(rows)["intervals"], dtype=float)
    return np.asarray(np.log(ranges[:, 1] / ranges[:, 0]))
