"""Ranges are as wide as errors out of fold demand, house by house."""

from __future__ import annotations

import numpy as np
import pytest

from regression_model.config.spec import Spec
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer
from regression_model.training.difficulty import predict_difficulty
from regression_model.training.fit import Trained
from regression_model.training.intervals import calibrate, covered


def test_calibration_covers_its_own_errors_and_not_one_more() -> None:
    rng = np.random.default_rng(8)
    difficulty = rng.uniform(0.05, 0.5, size=500)
    error = rng.normal(size=500) * difficulty
    found = calibrate(error, difficulty, coverage=0.9)
    narrower = calibrate(error, difficulty, coverage=0.9 - 1 / 501)

    assert covered(error, difficulty, found) == np.ceil(501 * 0.9) / 500
    assert covered(error, difficulty, narrower) == np.ceil(501 * 0.9) / 500 - 1 / 500


def test_calibration_undoes_the_scale_of_difficulty() -> None:
    error, difficulty = np.array([0.1, -0.4, 0.3]), np.array([1.0, 2.0, 3.0])
    found, doubled = (calibrate(error, d, coverage=0.7) for d in (difficulty, 2 * difficulty))

    assert found.half_width == pytest.approx(0.2)  # the largest of 0.1 / 1, 0.4 / 2, 0.3 / 3
    assert found.fsd == pytest.approx(np.sqrt((0.1**2 + 0.2**2 + 0.1**2) / 3))
    assert doubled.half_width == pytest.approx(found.half_width / 2)
    assert doubled.fsd == pytest.approx(found.fsd / 2)


def test_normal_errors_of_known_size_give_the_normal_quantile_and_deviation() -> None:
    rng = np.random.default_rng(3)
    difficulty = rng.uniform(0.05, 0.5, size=40_000)
    found = calibrate(rng.normal(size=40_000) * difficulty, difficulty, coverage=0.9)

    assert found.half_width == pytest.approx(1.645, abs=0.03)
    assert found.fsd == pytest.approx(1.0, abs=0.02)


def test_compiled_range_is_the_calibrated_difficulty(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    calibration = trained.judgement.calibration
    encoded = trained.pipeline[:1].transform(sales.frame)
    value = Scorer(trained.graph, half_width=calibration.half_width, fsd=calibration.fsd).score(
        encoded.to_numpy(np.float32)
    )
    difficulty = predict_difficulty(trained.difficulty, trained.pipeline, encoded)

    half_width = calibration.half_width * difficulty
    np.testing.assert_allclose(np.log(value.high / value.price), half_width, rtol=1e-9)
    np.testing.assert_allclose(np.log(value.price / value.low), half_width, rtol=1e-9)
    np.testing.assert_allclose(value.fsd, calibration.fsd * difficulty, rtol=1e-9)


def test_out_of_fold_ranges_hold_their_share_of_prices(sales: Sales, trained: Trained) -> None:
    found = trained.judgement.out_of_fold
    inside = (found.low <= sales.prices) & (sales.prices <= found.high)

    # But for the price that sets the limit, which rounding may put on either side of it.
    assert inside.sum() - np.ceil(0.9 * (len(inside) + 1)) in (-1, 0)
    assert 0.5 <= trained.judgement.held_out_coverage <= 1
