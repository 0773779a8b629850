"""Sales that resemble a house, among those that the model was trained on."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict

from regression_model.config.spec import Feature, Spec
from regression_model.explaining.past_sales import NO_ID, PastSales, Reals
from regression_model.reading.encoder import Matrix

MAX_COMPARABLES = 5
_SIMILARITY_DECIMALS = 12  # decimals of a similarity beyond which only rounding differs
_TINY = 1e-300  # a house without known fields resembles every sale


class Comparable(TypedDict):
    """A sale that resembles a house."""

    id: Annotated[int | None, Field(description="Identifier of the sale in the training data.")]
    similarity: Annotated[
        float, Field(ge=0, le=1, description="1 for the same in all known fields.")
    ]
    sold: Annotated[str | None, Field(description="Year and month of the sale.")]
    price: Annotated[float, Field(description="What the sale fetched, in dollars.")]
    adjusted_price: Annotated[
        float, Field(description="What the sale suggests for the house itself, in dollars.")
    ]
    synthetic: Annotated[
        bool, Field(description="Whether the sale was generated, and never took place.")
    ]


class Comparables:
    """Finds the sales most similar to a house; safe to share by threads."""

    def __init__(self, sales: PastSales, spec: Spec, *, synthetic: bool) -> None:
        self._sales = sales
        houses = sales.matrix.astype(np.float64)
        self._scale = np.array(
            [_scale(f, column) for f, column in zip(spec.inputs, houses.T, strict=True)]
        )
        self._scaled = houses / self._scale
        self._year = _position(spec, spec.sale_year)
        dates = (f for f in spec.inputs if f.role == "sale date" and f is not spec.sale_year)
        self._month = _position(spec, next(dates, None))
        self._synthetic = synthetic

    def similarity(self, house: Matrix) -> Reals:
        """Gower's similarity of every sale to ``house``, shape ``(n,)``, from 0 to 1.

        J. C. Gower, Biometrics 27 (1971), with the weights of the sales: one less the weighted mean
        of the fields' differences. Of a number it is the distance in units of its spread (5% to
        95% of the sales; all of them where these are equal), at most 1; of an ordinal the steps
        between the levels in units of all steps; of a nominal 1 unless equal. Fields unknown of
        the house are left out with their weight; one that is unknown of the sale only counts as
        wholly different, so that a sale does not gain by hiding. Where the known fields have no
        weight, they count alike.
        """
        known = ~np.isnan(house)
        weights = np.where(known, self._sales.weights, 0.0)
        if not weights.any():
            weights = known.astype(np.float64)
        apart = np.abs(self._scaled - np.where(known, house, 0.0) / self._scale)
        np.fmin(apart, 1, out=apart)
        # Not matmul, which would wake the threads of BLAS.
        total: Reals = np.einsum("ij,j->i", apart, weights)
        return 1 - total / max(float(weights.sum()), _TINY)

    def nearest(
        self, house: Matrix, *, price: float, identifier: int | None = None
    ) -> list[Comparable]:
        """Return the five sales most similar to ``house``, best first; of equals the earlier one.

        ``price`` is the model's for the house. A sale is adjusted by the ratio of it to the price
        that models gave the sale without having seen it. The sale that is the house itself, by
        identifier and in every field, is left out.
        """
        similarity = self.similarity(house)
        order = np.argsort(-similarity.round(_SIMILARITY_DECIMALS), kind="stable")
        others = (int(i) for i in order if not self._is(int(i), house, identifier))
        return [
            self._comparable(i, float(similarity[i]), price)
            for i, _ in zip(others, range(MAX_COMPARABLES), strict=False)
        ]

    def _is(self, i: int, house: Matrix, identifier: int | None) -> bool:
        if identifier is None or self._sales.ids[i] != identifier:
            return False
        return np.array_equal(self._sales.matrix[i], house, equal_nan=True)

    def _comparable(self, i: int, similarity: float, price: float) -> Comparable:
        sales = self._sales
        sold_for = float(sales.prices[i])
        return {
            "id": None if sales.ids[i] == NO_ID else int(sales.ids[i]),
            "similarity": round(similarity, 4),
            "sold": self._sold(sales.matrix[i]),
            "price": round(sold_for, 2),
            "adjusted_price": round(sold_for * price / float(sales.out_of_fold[i]), 2),
            "synthetic": self._synthetic,
        }

    def _sold(self, sale: Matrix) -> str | None:
        if self._year is None or np.isnan(sale[self._year]):
            return None
        year = f"{int(sale[self._year])}"
        if self._month is None or np.isnan(sale[self._month]):
            return year
        return f"{year}-{int(sale[self._month]):02}"


def _position(spec: Spec, feature: Feature | None) -> int | None:
    return None if feature is None else spec.inputs.index(feature)


def _scale(f: Feature, column: Reals) -> float:
    """Return the difference between two values of a field that counts as wholly different."""
    if f.kind == "nominal":
        return 1.0
    if f.kind == "ordinal":
        return max(len(f.levels) - 1.0, 1.0)
    known = column[~np.isnan(column)]
    if not len(known):
        return 1.0
    low, high = np.quantile(known, [0.05, 0.95])
    return float(high - low) or float(known.max() - known.min()) or 1.0
