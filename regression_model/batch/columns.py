"""Columns of a table as numbers and levels, from any library of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import Feature

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """Values in double precision, NaN for null."""

    values: NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Few different values, and for each row the position of its own; -1 for null."""

    index: NDArray[np.intp]
    values: list[Any]


@dataclass(frozen=True)
class Opaque:
    """Values that only the rules for rows can judge, and where they are null."""

    null: Mask


Column = Numbers | Levels | Opaque


def is_plain_number(f: Feature) -> bool:
    """Whether any number within the feature's limits is a value of it."""
    return f.type != "text" and not f.has_levels


def levels_of(numbers: Numbers) -> Levels:
    """The same column, as the few values it has."""
    values, index = np.unique(numbers.values, return_inverse=True)
    index = np.where(np.isnan(numbers.values), -1, index.reshape(-1))
    return Levels(index.astype(np.intp), values.tolist())
