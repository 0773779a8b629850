"""Sales beside what a model said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from regression_model.evaluation.metrics import Prices


@dataclass(frozen=True)
class Estimates:
    """Prices and predictions: dollars, each of shape ``(n,)``.

    Raises ValueError where they differ in length, are empty, or hold what is no price.
    """

    actual: Prices
    predicted: Prices

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            if values.shape != (len(self.actual),) or not len(values):
                raise ValueError(
                    f"{name} has the shape {values.shape}; expected one value for each of the "
                    f"{len(self.actual)} sale(s), and at least one sale"
                )
            strange = ~(np.isfinite(values) & (values > 0))
            if strange.any():
                first = int(np.argmax(strange))
                raise ValueError(
                    f"{name}[{first}] is {values[first]}; expected a positive number of dollars"
                )

    def __len__(self) -> int:
        return len(self.actual)


@dataclass(frozen=True)
class Outcomes(Estimates):
    """The same with the limits of the range of each prediction."""

    low: Prices
    high: Prices

    def take(self, rows: Any) -> Outcomes:
        """Return the sales at ``rows`` (positions or a mask)."""
        return Outcomes(self.actual[rows], self.predicted[rows], self.low[rows], self.high[rows])
