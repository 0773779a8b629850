"""A few sales far from the rest bend neither of the robust linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import ElasticNet, HuberRegressor, Ridge

from regression_model.training.estimators.huber import HuberElasticNet, HuberRidge

TRUE = np.array([1.0, -2.0, 0.5])
Matrix = NDArray[np.float64]
BOTH = [HuberElasticNet(alpha=1e-6), HuberRidge(alpha=1e-6)]


@pytest.fixture(scope="module")
def rows() -> tuple[Matrix, Matrix]:
    rng = np.random.default_rng(6)
    matrix = rng.normal(size=(300, 3))
    return matrix, matrix @ TRUE + 4 + rng.normal(scale=0.1, size=300)


@pytest.mark.parametrize("model", BOTH, ids=repr)
def test_outliers_move_least_squares_and_not_the_robust_model(
    model: Any, rows: tuple[Matrix, Matrix]
) -> None:
    matrix, target = rows
    spoilt = target.copy()
    spoilt[:15] -= 20 * np.sign(matrix[:15, 0])
    squared: Any = type(model).__mro__[2](alpha=1e-6)

    assert np.abs(squared.fit(matrix, spoilt).coef_ - TRUE).max() > 0.3
    np.testing.assert_allclose(model.fit(matrix, spoilt).coef_, TRUE, atol=0.03)
    assert model.intercept_ == pytest.approx(4, abs=0.03)


@pytest.mark.parametrize("model", BOTH, ids=repr)
def test_it_agrees_with_the_huber_regression_of_scikit_learn(
    model: Any, rows: tuple[Matrix, Matrix]
) -> None:
    matrix, target = rows
    other = HuberRegressor(epsilon=1.345, alpha=0, tol=1e-9).fit(matrix, target)

    np.testing.assert_allclose(model.fit(matrix, target).coef_, other.coef_, atol=0.002)


@pytest.mark.parametrize(
    ("model", "plain"),
    [(HuberElasticNet(alpha=0.01), ElasticNet(alpha=0.01)), (HuberRidge(), Ridge())],
    ids=repr,
)
def test_rows_met_exactly_leave_it_at_least_squares(model: Any, plain: Any) -> None:
    matrix = np.zeros((20, 2))  # all that can be learned is the mean, which 15 rows are
    target = np.array([5.0] * 15 + [9.0, 9.0, 1.0, 1.0, 5.0])

    np.testing.assert_array_equal(
        model.fit(matrix, target).predict(matrix), plain.fit(matrix, target).predict(matrix)
    )
