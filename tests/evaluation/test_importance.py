"""Importance: a field matters by what its values do to the price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regression_model.evaluation.importance import MAX_ROWS, importance

NAMES = ["big", "small", "ignored"]
MATRIX = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)


def price(matrix: Any) -> Any:
    return np.exp(12 + 0.5 * matrix[:, 0] + 0.1 * matrix[:, 1])


def test_importance_is_the_change_of_the_price_in_percent() -> None:
    found = importance(price, MATRIX, NAMES, seed=1)

    # The mean distance of two normal numbers is 2 / sqrt(pi).
    assert list(found) == NAMES
    assert found["big"] == pytest.approx(100 * 0.5 * 2 / np.sqrt(np.pi), rel=0.15)
    assert found["small"] == pytest.approx(100 * 0.1 * 2 / np.sqrt(np.pi), rel=0.15)
    assert found["ignored"] == 0


def test_every_value_goes_to_another_row_and_none_is_lost() -> None:
    seen: list[Any] = []
    places = np.arange(50, dtype=np.float32)[:, None]

    def watch(matrix: Any) -> Any:
        seen.append(matrix[:, 0].copy())
        return np.ones(len(matrix))

    importance(watch, places, ["place"], seed=0)

    before, after = seen
    assert sorted(after) == sorted(before) == places[:, 0].tolist()
    assert (before != after).all()


def test_two_runs_give_the_same_and_leave_the_matrix_alone() -> None:
    before = MATRIX.copy()

    assert importance(price, MATRIX, NAMES, seed=1) == importance(price, MATRIX, NAMES, seed=1)
    assert np.array_equal(MATRIX, before)


def test_no_more_rows_are_scored_than_needed() -> None:
    sizes = set()

    def count(matrix: Any) -> Any:
        sizes.add(len(matrix))
        return price(matrix)

    importance(count, np.tile(MATRIX, (10, 1)), NAMES, seed=1)

    assert sizes == {MAX_ROWS}


def test_a_model_listens_to_the_size_and_quality_of_a_house(
    model: Any, trained: Any, sales: Any
) -> None:
    from regression_model.reading.encoder import Encoder
    from regression_model.scorer import Scorer

    encoder = Encoder(model.spec)
    matrix, _ = encoder.encode(sales.frame.to_dict(orient="records"))
    scorer = Scorer(trained.graph, half_width=0.0)

    found = importance(lambda m: scorer.score(m).price, matrix, encoder.names, seed=0)

    assert set(found) == set(encoder.names)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert {"GrLivArea", "OverallQual"} <= set(list(found)[:8])
