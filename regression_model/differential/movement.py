"""How far prices move from one model to the other, measured alike in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regression_model.evaluation.strata import Stratum

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Movement:
    """How the prices of a group of houses moved.

    ``shift`` is the median of new / old - 1, with its sign; ``median_move`` and ``largest_move``
    are moves: by how much the higher of a house's two prices exceeds the lower, as a share of
    the cheaper. ``moved_5`` and ``moved_10`` are the shares of houses with a move above 5 and 10%.
    """

    name: str
    houses: int
    shift: float
    median_move: float
    largest_move: float
    moved_5: float
    moved_10: float


def movement(name: str, log_ratio: Reals) -> Movement:
    """Sum up ``log_ratio``, ln(new / old) of each house, shape ``(n,)``."""
    moves = np.expm1(np.abs(log_ratio))
    return Movement(
        name=name,
        houses=len(log_ratio),
        shift=float(np.expm1(np.median(log_ratio))),
        median_move=float(np.median(moves)),
        largest_move=float(moves.max()),
        moved_5=float(np.mean(moves > 0.05)),
        moved_10=float(np.mean(moves > 0.10)),
    )


def movements(log_ratio: Reals, strata: Sequence[Stratum]) -> list[Movement]:
    """Return the same for each of ``strata``."""
    return [movement(stratum.name, log_ratio[stratum.rows]) for stratum in strata]


def farthest(groups: Sequence[Movement]) -> Movement:
    """Return the group whose prices shifted most, up or down alike."""
    return max(groups, key=lambda group: abs(np.log1p(group.shift)))
