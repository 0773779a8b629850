"""One row or many, one thread or many: the same prices and ranges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from regression_model.config.spec import Spec
from regression_model.reading.encoder import Encoder, Matrix
from regression_model.scorer import Scorer


@pytest.fixture(scope="module")
def scorer(trained: Any) -> Scorer:
    return Scorer(trained.graph, half_width=0.2, fsd=0.1)


@pytest.fixture
def matrix(spec: Spec, houses: list[dict[str, Any]]) -> Matrix:
    return Encoder(spec).encode(houses)[0]


def test_range_lies_around_the_price_by_the_half_width(scorer: Scorer, matrix: Matrix) -> None:
    value = scorer.score(matrix)

    difficulty = value.fsd / 0.1
    assert len(np.unique(difficulty)) > 1
    np.testing.assert_allclose(np.log(value.high / value.price), 0.2 * difficulty)
    np.testing.assert_allclose(np.log(value.price / value.low), 0.2 * difficulty)


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_each_row_as_numbers_is_the_row_of_the_arrays(
    scorer: Scorer, matrix: Matrix, rows: int
) -> None:
    each = scorer.score_each(matrix[:rows])

    assert len(each) == rows
    assert all(type(number) is float for row in each for number in row)
    np.testing.assert_allclose(each, np.column_stack(scorer.score(matrix[:rows])), rtol=1e-12)


def test_threads_do_not_see_each_others_house(scorer: Scorer, matrix: Matrix) -> None:
    expected = [scorer.score_each(matrix[[row]]) for row in range(len(matrix))]
    rows = np.random.default_rng(5).integers(len(matrix), size=2000).tolist()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: scorer.score_each(matrix[[row]]), rows))

    assert found == [expected[row] for row in rows]


def test_a_price_is_not_changed_by_the_next_one(scorer: Scorer, matrix: Matrix) -> None:
    first = scorer.score_each(matrix[[0]])
    kept = list(first)
    scorer.score_each(matrix[[1]])

    assert first == kept
