"""Which fields the model listens to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from regression_model.reading.encoder import Matrix

MAX_ROWS = 500


def importance(
    score: Callable[[Matrix], NDArray[np.float64]],
    matrix: Matrix,
    names: Sequence[str],
    *,
    seed: int,
    step: Callable[[str], None] = lambda _: None,
) -> dict[str, float]:
    """Return how much prices change when a field is taken from another house, in percent, by field.

    ``score`` gives dollars, shape ``(n,)``, for an encoded ``matrix``, shape ``(n, fields)``. The
    figure is the mean absolute change of the logarithm of the price, times 100, when one column's
    values go round among the rows in random order, each to another row (permutation importance:
    L. Breiman, Machine Learning 45, 2001, section 10, on predictions instead of errors, so that no
    prices are needed). Fields that say the same share what they matter. At most ``MAX_ROWS``
    rows, drawn at random, are used. Most important first; deterministic.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(matrix))[:MAX_ROWS]
    chosen = matrix[rows]  # in random order, so that the neighbour is a random house
    before = np.log(score(chosen))
    found = {}
    for column, name in enumerate(names):
        changed = chosen.copy()
        changed[:, column] = np.roll(chosen[:, column], 1)
        found[name] = float(100 * np.mean(np.abs(np.log(score(changed)) - before)))
        step(name)
    return dict(sorted(found.items(), key=lambda item: -item[1]))
