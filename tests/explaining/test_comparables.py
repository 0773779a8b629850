"""The five most similar sales are those that plain loops find."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from regression_model import Model
from regression_model.config.spec import Feature, Spec
from regression_model.explaining.comparables import Comparable, Comparables
from regression_model.explaining.past_sales import PastSales, read_past_sales
from regression_model.reading.encoder import Encoder, Matrix
from regression_model.reading.validation import HouseValidator

PRICE = 180_000.0


@pytest.fixture(scope="module")
def past(model: Model) -> PastSales:
    return read_past_sales(model.artifact, model.spec)


@pytest.fixture(scope="module")
def comparables(past: PastSales, spec: Spec) -> Comparables:
    return Comparables(past, spec, synthetic=True)


@pytest.fixture
def encoded(spec: Spec, houses: list[dict[str, Any]]) -> Matrix:
    """Fifty houses that were not sold, every fifth with half of its fields unknown."""
    checked, _ = HouseValidator(spec).check(houses)
    matrix, _ = Encoder(spec).encode([house for house in checked if house is not None])
    required = np.array([f.required for f in spec.inputs])
    hidden = np.random.default_rng(1).random(matrix.shape) < 0.5
    hidden[np.arange(len(matrix)) % 5 != 0] = False
    matrix[hidden & ~required] = np.nan
    return matrix


def spread(f: Feature, values: list[float]) -> float:
    known = sorted(v for v in values if not math.isnan(v))

    def quantile(share: float) -> float:
        place = share * (len(known) - 1)
        low = math.floor(place)
        high = min(low + 1, len(known) - 1)
        return known[low] + (known[high] - known[low]) * (place - low)

    if f.kind == "ordinal":
        return len(f.levels) - 1
    return quantile(0.95) - quantile(0.05) or known[-1] - known[0] or 1


def similarity(past: PastSales, spec: Spec, house: list[float]) -> list[float]:
    """Gower's coefficient, field by field and sale by sale."""
    scales = [spread(f, past.matrix[:, j].tolist()) for j, f in enumerate(spec.inputs)]
    found = []
    for sale in past.matrix.tolist():
        apart, total = [], []
        for j, f in enumerate(spec.inputs):
            if math.isnan(house[j]):
                continue
            if math.isnan(sale[j]):
                difference = 1.0
            elif f.kind == "nominal":
                difference = float(sale[j] != house[j])
            else:
                difference = min(abs(sale[j] - house[j]) / scales[j], 1)
            apart.append(past.weights[j] * difference)
            total.append(past.weights[j])
        found.append(1 - math.fsum(apart) / math.fsum(total))
    return found


def test_plain_loops_find_the_same_sales(
    comparables: Comparables, past: PastSales, spec: Spec, encoded: Matrix
) -> None:
    for house in encoded[:15]:
        expected = similarity(past, spec, house.tolist())
        best = sorted(range(len(expected)), key=lambda i: (-round(expected[i], 12), i))[:5]

        found = comparables.nearest(house, price=PRICE)

        np.testing.assert_allclose(comparables.similarity(house), expected, atol=1e-12)
        assert [sale["id"] for sale in found] == [past.ids[i] for i in best]
        for sale, i in zip(found, best, strict=True):
            assert sale["similarity"] == round(expected[i], 4)
            assert sale["price"] == past.prices[i]
            adjusted = past.prices[i] * PRICE / past.out_of_fold[i]
            assert sale["adjusted_price"] == pytest.approx(adjusted, abs=0.005)


def test_similarity_is_a_share_and_1_for_the_sale_itself(
    comparables: Comparables, past: PastSales, encoded: Matrix
) -> None:
    for house in encoded:
        shares = comparables.similarity(house)
        assert ((shares >= 0) & (shares <= 1)).all()
    for i in (0, 17, 399):
        assert comparables.similarity(past.matrix[i])[i] == 1


def test_the_sale_that_is_the_house_itself_is_left_out(
    comparables: Comparables, past: PastSales
) -> None:
    house, own = past.matrix[40], int(past.ids[40])

    def ids(identifier: int | None, row: Matrix = house) -> list[int | None]:
        found = comparables.nearest(row, price=PRICE, identifier=identifier)
        return [sale["id"] for sale in found]

    assert own not in ids(own)
    assert len(ids(own)) == 5
    assert ids(None)[0] == ids(own + 1)[0] == own
    assert ids(None)[1:] == ids(own)[:4]
    changed = house.copy()
    changed[int(past.weights.argmin())] += 1
    assert own in ids(own, changed)


def test_of_equally_similar_sales_the_earlier_comes_first(past: PastSales, spec: Spec) -> None:
    twins = replace(past, matrix=np.tile(past.matrix[:1], (len(past.matrix), 1)))

    found = Comparables(twins, spec, synthetic=False).nearest(past.matrix[3], price=PRICE)

    assert [sale["id"] for sale in found] == past.ids[:5].tolist()


def test_fewer_sales_than_five_are_all_there_are(past: PastSales, spec: Spec) -> None:
    few = PastSales(
        past.matrix[:3], past.prices[:3], past.out_of_fold[:3], past.ids[:3], past.weights
    )

    assert len(Comparables(few, spec, synthetic=False).nearest(past.matrix[9], price=PRICE)) == 3


def weighted(past: PastSales, weights: NDArray[np.float64]) -> PastSales:
    return replace(past, weights=weights)


def test_only_fields_with_a_weight_count_unless_none_has(past: PastSales, spec: Spec) -> None:
    one = np.zeros(len(spec.inputs))
    place = spec.inputs.index(spec.location) if spec.location else 0
    one[place] = 0.3
    house = past.matrix[5]

    by_place = Comparables(weighted(past, one), spec, synthetic=False).similarity(house)
    alike = Comparables(weighted(past, np.zeros_like(one)), spec, synthetic=False)
    even = Comparables(weighted(past, np.ones_like(one)), spec, synthetic=False)

    assert by_place.tolist() == (past.matrix[:, place] == house[place]).astype(float).tolist()
    np.testing.assert_allclose(alike.similarity(house), even.similarity(house), atol=1e-12)


def first(past: PastSales, spec: Spec, **known: float | None) -> Comparable:
    """The first sale, with fields of the sale's date as given, found for its own house."""
    matrix = past.matrix.copy()
    for j, f in enumerate(spec.inputs):
        if f.unit in known:
            value = known[f.unit]
            matrix[0, j] = np.nan if value is None else value
    sales = replace(past, matrix=matrix)
    house = past.matrix[0].copy()
    return Comparables(sales, spec, synthetic=False).nearest(house, price=PRICE)[0]


def test_the_date_of_a_sale_is_told_as_far_as_it_is_known(past: PastSales, spec: Spec) -> None:
    dates = [f for f in spec.inputs if f.role == "sale date"]
    assert [f.unit for f in dates] == ["month", "year"]
    plain = [f.model_copy(update={"role": "plain"}) if f in dates else f for f in spec.features]
    without_dates = Spec.model_validate({**spec.model_dump(), "features": plain})

    assert first(past, spec, month=5)["sold"] == f"{sold_in(past, spec)}-05"
    assert first(past, spec, month=11)["sold"] == f"{sold_in(past, spec)}-11"
    assert first(past, spec, month=None)["sold"] == f"{sold_in(past, spec)}"
    assert first(past, without_dates)["sold"] is None


def sold_in(past: PastSales, spec: Spec) -> int:
    assert spec.sale_year is not None
    return int(past.matrix[0, spec.inputs.index(spec.sale_year)])


def test_a_sale_without_an_identifier_has_none(past: PastSales, spec: Spec) -> None:
    nameless = replace(past, ids=np.full_like(past.ids, -1))

    found = Comparables(nameless, spec, synthetic=False).nearest(past.matrix[0], price=PRICE)

    assert {sale["id"] for sale in found} == {None}


def test_sales_of_the_bundled_sample_say_that_they_are_synthetic(
    model: Model, houses: list[dict[str, Any]]
) -> None:
    result = model.predict(houses[:3], explain=True)

    flat = [sale for sales in result["comparables"] for sale in sales or []]
    assert len(flat) == 15
    assert {sale["synthetic"] for sale in flat} == {True}


def test_adjusted_prices_scale_with_the_price_of_the_house(
    model: Model, houses: list[dict[str, Any]], past: PastSales
) -> None:
    (price,), (sales,) = (
        model.predict(houses[0], explain=True)[key] for key in ("predictions", "comparables")
    )

    by_id = dict(zip(past.ids.tolist(), range(len(past.ids)), strict=True))
    for sale in sales or []:
        i = by_id[sale["id"]]
        expected = past.prices[i] * price / past.out_of_fold[i]
        assert sale["adjusted_price"] == pytest.approx(expected, abs=0.006)
