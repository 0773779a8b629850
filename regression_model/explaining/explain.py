"""Why a house is worth its price: what each field adds to the price of a typical house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict

from regression_model.config.spec import Feature, Level, Spec
from regression_model.explaining.past_sales import PastSales
from regression_model.explaining.shapley import Reals, Score, contributions
from regression_model.reading.encoder import Matrix
from regression_model.reading.validation import House

MIN_SALES_OF_LOCATION = 10


class Baseline(TypedDict):
    """The house that another is explained against."""

    name: Annotated[str, Field(description="What it is typical of, and of how many sales.")]
    price: Annotated[float, Field(description="Its price in dollars.")]
    house: Annotated[House, Field(description="Its fields; sent as a house, it gets this price.")]


class Explanation(TypedDict):
    """What each field adds to the price of a typical house of the location."""

    baseline: Baseline
    contributions: Annotated[
        dict[str, float],
        Field(
            description="Dollars by field, the largest amount first; they sum to the price less "
            "the baseline's, to the cent."
        ),
    ]
    standard_error: Annotated[
        float,
        Field(
            description="The largest among the fields, in dollars: they are estimates, their sum "
            "is not."
        ),
    ]


@dataclass(frozen=True)
class _Typical:
    row: Matrix
    baseline: Baseline


class Explainer:
    """Explains prices of ``score`` against the typical house of a location; shared by threads."""

    def __init__(self, spec: Spec, sales: PastSales, score: Score) -> None:
        self._features = spec.inputs
        self._sales = sales.matrix
        self._score = score
        self._place = None if spec.location is None else spec.inputs.index(spec.location)
        self._typical: dict[float | None, _Typical] = {}

    def explain(self, house: Matrix, price: float) -> Explanation:
        """Explain the ``price`` of a ``house`` as the encoder gives it, shape ``(inputs,)``."""
        typical = self.typical(house)
        found = contributions(self._score, house, typical.row)
        total = _cents(price) - _cents(typical.baseline["price"])
        cents = _summing_to(total, found.values)
        order = np.argsort(-np.abs(cents), kind="stable")
        return {
            "baseline": {**typical.baseline, "house": dict(typical.baseline["house"])},
            "contributions": {self._features[j].name: int(cents[j]) / 100 for j in order},
            "standard_error": round(float(found.errors.max()), 2),
        }

    def typical(self, house: Matrix) -> _Typical:
        """Return the typical house of the location, or of all sales if few were sold there."""
        code = None if self._place is None else float(house[self._place])
        if (
            code is None
            or np.count_nonzero(self._sales[:, self._place] == code) < MIN_SALES_OF_LOCATION
        ):
            code = None
        found = self._typical.get(code)
        if found is None:
            found = self._typical[code] = self._make_typical(code)
        return found

    def _make_typical(self, code: float | None) -> _Typical:
        sales, name = self._sales, "all locations"
        if code is not None and self._place is not None:
            sales = sales[sales[:, self._place] == code]
            name = str(self._features[self._place].levels[int(code)])
        row = typical_row(sales, self._features)
        baseline: Baseline = {
            "name": f"typical house of {name} ({len(sales)} sales)",
            "price": round(float(self._score(row[None])[0]), 2),
            "house": decoded(row, self._features),
        }
        return _Typical(row, baseline)


def typical_row(sales: Matrix, features: Sequence[Feature]) -> Matrix:
    """Return the most frequent level, or the (lower) median, of each field; unknown where most are.

    Every value is one that was met, so whole numbers stay whole. Of equally frequent levels the
    first in the order of the config.
    """
    return np.array(
        [_typical_value(c, f) for c, f in zip(sales.T, features, strict=True)], dtype=np.float32
    )


def _typical_value(column: Matrix, f: Feature) -> float:
    known = np.sort(column[~np.isnan(column)])
    if 2 * len(known) <= len(column) or not len(known):
        return np.nan
    if f.has_levels:
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return float(known[(len(known) - 1) // 2])


def decoded(row: Matrix, features: Sequence[Feature]) -> House:
    """Return the house that the encoder turns into ``row``; what is unknown is absent."""
    pairs = zip(row, features, strict=True)
    return {f.name: _value(code, f) for code, f in pairs if not np.isnan(code)}


def _value(code: np.float32, f: Feature) -> Level | float:
    if f.has_levels:
        return f.levels[int(code)]
    return int(code) if f.type == "integer" else float(str(code))  # the shortest that rounds back


def _cents(dollars: float) -> int:
    return round(dollars * 100)


def _summing_to(total: int, dollars: Reals) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """``dollars`` in whole cents that sum to ``total``; the largest takes what rounding left."""
    cents: np.ndarray[tuple[int], np.dtype[np.int64]] = np.rint(dollars * 100).astype(np.int64)
    cents[np.abs(dollars).argmax()] += total - cents.sum()
    return cents
