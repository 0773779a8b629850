from __future__ import annotations

import numpy as np
import pytest

from regression_model.evaluation.conformal import conformal_quantile


def test_quantile_is_the_score_of_the_conformal_rank() -> None:
    scores = np.array([0.09, 0.01, 0.05, 0.03, 0.07, 0.02, 0.08, 0.04, 0.06])

    # ceil((9 + 1) * 0.8) = 8: the eighth smallest of nine
    assert conformal_quantile(scores, coverage=0.8) == 0.08
    assert conformal_quantile(scores, coverage=0.5) == 0.05


def test_too_few_scores_give_the_largest() -> None:
    assert conformal_quantile(np.array([0.3, 0.1, 0.2]), coverage=0.99) == 0.3


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [19, 60, 200])
def test_new_scores_are_covered_at_the_promised_rate(coverage: float, count: int) -> None:
    rng = np.random.default_rng(count)
    rates = []
    for _ in range(400):
        known, new = np.abs(rng.standard_t(3, size=(2, count)))
        rates.append(np.mean(new <= conformal_quantile(known, coverage=coverage)))

    # Split conformal: coverage <= rate <= coverage + 1 / (n + 1), here with sampling error.
    error = 4 * np.std(rates) / np.sqrt(len(rates))
    assert coverage - error <= np.mean(rates) <= coverage + 1 / (count + 1) + error
