"""Contributions sum to the difference, ignore what does not matter, and estimate Shapley values."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regression_model.explaining.shapley import Reals, Score, contributions
from regression_model.reading.encoder import Matrix

WEIGHTS = np.array([3.0, -2.0, 0.5, 7.0, 1.0, -4.0])


def additive(matrix: Matrix) -> Reals:
    return np.asarray(np.nan_to_num(matrix, nan=2.0) @ WEIGHTS)


def in_pairs(matrix: Matrix) -> Reals:
    """Products of two, a jump and a reaction to what is unknown."""
    x = np.nan_to_num(matrix.astype(float), nan=-1.5)
    jump = np.where(x[:, 1] > 0, x[:, 2] * 3, x[:, 3])
    return np.asarray(np.exp(0.3 * x[:, 0] * x[:, 1]) + jump + x[:, 4] * x[:, 0] - x[:, 5] ** 2)


def tangled(matrix: Matrix) -> Reals:
    """All six inputs at once."""
    x = np.nan_to_num(matrix.astype(float), nan=-1.5)
    return np.asarray(np.exp(0.2 * x.sum(axis=1)) + in_pairs(matrix) * np.cos(x[:, 2] * x[:, 4]))


def exact(score: Score, subject: Matrix, baseline: Matrix) -> Reals:
    """Shapley values by their definition: every subset of the inputs, weighted."""
    n = len(subject)

    def worth(coalition: tuple[int, ...]) -> float:
        row = baseline.copy()
        row[list(coalition)] = subject[list(coalition)]
        return float(score(row[None])[0])

    values = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for coalition in combinations(others, size):
                gain = worth((*coalition, i)) - worth(coalition)
                values[i] += gain / (n * comb(n - 1, size))
    return values


numbers = st.floats(-3, 3, width=32) | st.just(float("nan"))
rows = st.lists(numbers, min_size=6, max_size=6).map(lambda r: np.array(r, np.float32))


@settings(max_examples=60)
@given(rows, rows)
def test_values_sum_to_the_difference(subject: Matrix, baseline: Matrix) -> None:
    found = contributions(tangled, subject, baseline)

    difference = tangled(subject[None])[0] - tangled(baseline[None])[0]
    assert found.values.sum() == pytest.approx(difference, abs=1e-9)


@settings(max_examples=60)
@given(rows, rows)
def test_inputs_that_agree_or_do_not_matter_get_nothing(subject: Matrix, baseline: Matrix) -> None:
    def without_the_third(matrix: Matrix) -> Reals:
        changed = matrix.copy()
        changed[:, 2] = 1
        return tangled(changed)

    found = contributions(without_the_third, subject, baseline)

    agree = (subject == baseline) | (np.isnan(subject) & np.isnan(baseline))
    assert (found.values[agree] == 0).all()
    assert (found.errors[agree] == 0).all()
    assert found.values[2] == 0


@settings(max_examples=60)
@given(rows, rows)
def test_estimates_lie_within_their_error_of_the_exact_values(
    subject: Matrix, baseline: Matrix
) -> None:
    found = contributions(tangled, subject, baseline, rows=2000, most=200)

    away = np.abs(found.values - exact(tangled, subject, baseline))
    assert (away <= 5 * found.errors + 1e-9).all()


@settings(max_examples=60)
@given(rows, rows)
def test_a_sum_is_taken_apart_exactly_and_without_error(subject: Matrix, baseline: Matrix) -> None:
    found = contributions(additive, subject, baseline)

    terms = [additive(np.where(np.arange(6) == i, subject, baseline)[None]) for i in range(6)]
    expected = np.concatenate(terms) - additive(baseline[None])
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.errors.max() < 1e-5


@settings(max_examples=60)
@given(rows, rows)
def test_a_walk_and_its_reverse_are_exact_where_inputs_act_in_pairs(
    subject: Matrix, baseline: Matrix
) -> None:
    found = contributions(in_pairs, subject, baseline, rows=0)

    np.testing.assert_allclose(found.values, exact(in_pairs, subject, baseline), atol=1e-6)
    assert found.errors.max() < 1e-6


def test_inputs_that_play_the_same_part_get_the_same_within_the_error() -> None:
    def alike(matrix: Matrix) -> Reals:
        x = matrix.astype(float)
        return np.asarray(np.exp(x[:, 0] + x[:, 1]) * (1 + x[:, 2:].sum(axis=1)))

    found = contributions(alike, np.ones(6, np.float32), np.zeros(6, np.float32))

    assert abs(found.values[0] - found.values[1]) <= 4 * found.errors[:2].sum()
    assert found.errors[:2].sum() < 0.1 * found.values[0]


def test_more_walks_come_closer() -> None:
    rng = np.random.default_rng(3)
    pairs = rng.normal(size=(30, 2, 6)).astype(np.float32)

    def wrong(budget: int) -> Any:
        found = [contributions(tangled, s, b, rows=budget).values for s, b in pairs]
        return np.mean(
            [np.abs(f - exact(tangled, s, b)) for f, (s, b) in zip(found, pairs, strict=True)]
        )

    assert wrong(640) < 0.6 * wrong(40)


def test_the_stated_error_is_the_error_made() -> None:
    rng = np.random.default_rng(4)
    ratios = []
    for subject, baseline in rng.normal(size=(100, 2, 6)).astype(np.float32):
        order = rng.permutation(6)  # other inputs, other walks

        def score(matrix: Matrix, order: NDArray[np.intp] = order) -> Reals:
            return tangled(matrix[:, order])

        found = contributions(score, subject, baseline, rows=640)
        away = np.abs(found.values - exact(score, subject, baseline))
        ratios.append(away / found.errors)

    # Of a normal error, 95% lies within 1.96 and half within 0.67.
    assert 0.92 < np.mean(np.array(ratios) < 1.96) < 0.98
    assert 0.5 < np.median(ratios) < 0.85


@pytest.mark.parametrize("switched", [0, 1, 2, 30, 79])
def test_everything_is_scored_in_one_batch_that_repeats_neither_end(switched: int) -> None:
    batches: list[Matrix] = []

    def score(matrix: Matrix) -> Reals:
        batches.append(matrix)
        return matrix.sum(axis=1, dtype=float)

    subject, baseline = np.zeros((2, 79), np.float32)
    subject[:switched] = 1
    contributions(score, subject, baseline, rows=640)

    assert len(batches) == (switched > 0)
    for batch in batches:
        assert len(batch) <= 642
        assert [(batch == end).all(axis=1).sum() for end in (baseline, subject)] == [1, 1]


def test_the_same_rows_always_give_the_same_values() -> None:
    subject, baseline = np.random.default_rng(5).normal(size=(2, 6)).astype(np.float32)
    first = contributions(tangled, subject, baseline)
    contributions(tangled, baseline, subject)
    np.random.default_rng(6).random(10)

    second = contributions(tangled, subject, baseline)

    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.errors, second.errors)
