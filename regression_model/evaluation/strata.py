"""Groups of sales that are judged each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regression_model.config.spec import Spec
from regression_model.evaluation.metrics import Prices


@dataclass(frozen=True)
class Stratum:
    """A group of sales: its name and the positions of its rows."""

    name: str
    rows: NDArray[np.intp]


def price_deciles(predicted: Prices) -> list[Stratum]:
    """Return tenths of the sales by predicted price, cheapest first, named by their prices.

    The actual price is not known when a range is given, and in groups by actual price every model
    seems to value expensive houses low. Equal predictions stay together: the order of rows does
    not matter, and there may be fewer than ten groups.
    """
    edges = np.quantile(predicted, np.arange(1, 10) / 10)
    tenth = np.searchsorted(edges, predicted, side="left")
    strata = []
    for number in np.unique(tenth):
        rows = np.flatnonzero(tenth == number)
        low, high = predicted[rows].min(), predicted[rows].max()
        strata.append(Stratum(f"${low:,.0f} to ${high:,.0f}", rows))
    return strata


def by_label(labels: Sequence[Any]) -> list[Stratum]:
    """Return one stratum for each label, in alphabetical order."""
    names = np.array([str(label) for label in labels])
    return [Stratum(str(name), np.flatnonzero(names == name)) for name in np.unique(names)]


def location_names(spec: Spec, frame: pd.DataFrame) -> list[str] | None:
    """Return the place of each sale of ``frame``; None where the spec knows no places."""
    if spec.location is None:
        return None
    column = frame[spec.location.name]
    known = column.notna()
    return [str(v) if ok else "unknown" for v, ok in zip(column, known, strict=True)]
