"""What each input adds to a price: Shapley values, sampled through any function of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regression_model.reading.encoder import Matrix

Reals = NDArray[np.float64]
Score = Callable[[Matrix], Reals]

ROWS = 640  # scored for one house: what keeps it within some 10 ms on one core
MAX_PAIRS = 64
SEED = 1953  # L. S. Shapley, "A value for n-person games"


class Contributions(NamedTuple):
    """What each input adds and the standard error of that, each of shape ``(inputs,)``."""

    values: Reals
    errors: Reals


def contributions(
    score: Score, subject: Matrix, baseline: Matrix, *, rows: int = ROWS, most: int = MAX_PAIRS
) -> Contributions:
    """Shapley values of ``score(subject) - score(baseline)``, both rows of shape ``(inputs,)``.

    Estimated by antithetic sampling of permutations (J. Castro, D. Gomez and J. Tejada, Computers
    & Operations Research 36, 2009; R. Mitchell, J. Cooper, E. Frank and G. Holmes, Journal of
    Machine Learning Research 23, 2022): walk from the baseline to the subject, switching one input
    after another in a random order and in its reverse. Every walk ends where it must, so the
    values sum to the difference; inputs in which the two rows agree are never switched and get
    exactly 0. ``score`` is called once, with about ``rows`` rows: as many pairs of walks as that
    allows, at least two and at most ``most``. Errors come from the spread among the pairs. The
    permutations are drawn from a fixed seed: the same two rows always give the same values.
    """
    switched = np.flatnonzero(~((subject == baseline) | (np.isnan(subject) & np.isnan(baseline))))
    values, errors = np.zeros((2, len(subject)))
    if len(switched):
        steps = len(switched) - 1
        pairs = min(max(rows // max(2 * steps, 1), 2), most)
        ranks = np.argsort(np.argsort(_keys(most, len(subject))[:pairs, switched], axis=1), axis=1)
        ranks = np.stack([ranks, steps - ranks])
        gains = np.diff(_along_walks(score, subject, baseline, switched, ranks), axis=2)
        by_pair = np.take_along_axis(gains, ranks, axis=2).mean(axis=0)
        values[switched] = by_pair.mean(axis=0)
        errors[switched] = by_pair.std(axis=0, ddof=1) / np.sqrt(pairs)
    return Contributions(values, errors)


def _along_walks(
    score: Score,
    subject: Matrix,
    baseline: Matrix,
    switched: NDArray[np.intp],
    ranks: NDArray[np.intp],
) -> Reals:
    """Scores on each walk from its start to its end, shape ``(2, pairs, switched + 1)``.

    ``ranks[d, p, i]`` is when walk ``p`` in direction ``d`` switches the input ``switched[i]``.
    """
    steps = len(switched) - 1
    done = ranks[:, :, None, :] < np.arange(1, steps + 1)[:, None]
    between = np.tile(baseline, (*done.shape[:3], 1))
    between[..., switched] = np.where(done, subject[switched], baseline[switched])
    scores = score(np.vstack([baseline, subject, between.reshape(-1, len(subject))]))
    along = np.empty((*ranks.shape[:2], steps + 2))
    along[..., 0], along[..., -1] = scores[:2]
    along[..., 1:-1] = scores[2:].reshape(done.shape[:3])
    return along


@lru_cache(maxsize=4)
def _keys(pairs: int, inputs: int) -> Reals:
    """Return a row for each permutation; the sorted columns are in random order."""
    return np.random.default_rng(SEED).random((pairs, inputs))
