"""Houses are valued by likeness in what matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge

from regression_model.training.estimators.kernel import LandmarkKernelRegressor

Matrix = NDArray[np.float64]


@pytest.fixture(scope="module")
def rows() -> tuple[Matrix, Matrix]:
    """A curve in the first two of ten columns; the others are noise."""
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(600, 10))
    curve = matrix[:, 0] + 0.5 * matrix[:, 1] + np.sin(2 * matrix[:, 0])
    return matrix, curve + rng.normal(scale=0.05, size=600)


def error(model: Any, rows: tuple[Matrix, Matrix]) -> float:
    matrix, target = rows
    model.fit(matrix[:400], target[:400])
    return float(np.sqrt(np.mean((model.predict(matrix[400:]) - target[400:]) ** 2)))


def test_stretching_by_relevance_beats_likeness_in_everything(
    rows: tuple[Matrix, Matrix],
) -> None:
    by_all = error(LandmarkKernelRegressor(power=0, gamma=1.0, random_state=0), rows)
    by_relevance = error(LandmarkKernelRegressor(power=0.5, gamma=1.0, random_state=0), rows)

    assert by_relevance < 0.5 * by_all
    assert by_relevance < 0.3


def test_every_row_as_a_landmark_is_kernel_ridge(rows: tuple[Matrix, Matrix]) -> None:
    matrix, target = (values[:200] for values in rows)
    ours = LandmarkKernelRegressor(landmarks=200, gamma=1.0, alpha=1.0, random_state=0)
    ours.fit(matrix, target)
    projected = matrix @ ours.projection_ + ours.offset_
    exact = KernelRidge(kernel="rbf", gamma=1.0, alpha=1.0).fit(projected, target - target.mean())
    expected = exact.predict(projected) + target.mean()

    # But for Huber's loss and the intercept, which is not penalised.
    assert np.corrcoef(ours.predict(matrix), expected)[0, 1] > 0.99


def test_far_from_all_landmarks_it_answers_its_intercept(rows: tuple[Matrix, Matrix]) -> None:
    model = LandmarkKernelRegressor(random_state=0).fit(*rows)

    assert model.predict(np.full((1, 10), 1e6))[0] == pytest.approx(model.intercept_)


def test_axes_have_a_total_variance_of_one(rows: tuple[Matrix, Matrix]) -> None:
    matrix, target = rows
    model = LandmarkKernelRegressor(components=10, random_state=0).fit(matrix, target)
    projected = matrix @ model.projection_ + model.offset_

    assert projected.var(axis=0, ddof=1).sum() == pytest.approx(1)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-12)


def test_one_sale_far_off_moves_it_little(rows: tuple[Matrix, Matrix]) -> None:
    matrix, target = rows
    spoilt = target.copy()
    spoilt[7] += 100
    clean, bent = (
        LandmarkKernelRegressor(random_state=0).fit(matrix, y).predict(matrix)
        for y in (target, spoilt)
    )

    assert np.abs(bent - clean).max() < 0.3


@pytest.mark.parametrize(
    ("parameter", "value"), [("landmarks", 0), ("gamma", 0.0), ("power", -1.0), ("relevance", 0)]
)
def test_impossible_parameter_is_refused_by_name(
    parameter: str, value: float, rows: tuple[Matrix, Matrix]
) -> None:
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of LandmarkKernelRegressor"):
        LandmarkKernelRegressor(**{parameter: value}).fit(*rows)  # type: ignore[arg-type]
