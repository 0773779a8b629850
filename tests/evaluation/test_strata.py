"""Groups of sales: tenths by predicted price, and places."""

from __future__ import annotations

import numpy as np

from regression_model.evaluation.strata import by_label, price_deciles

PREDICTED = np.random.default_rng(0).permutation(np.arange(1000.0, 1100.0))


def test_deciles_are_equal_tenths_from_cheap_to_dear() -> None:
    deciles = price_deciles(PREDICTED)

    assert [len(d.rows) for d in deciles] == [10] * 10
    assert deciles[0].name == "$1,000 to $1,009"
    assert deciles[-1].name == "$1,090 to $1,099"
    assert sorted(np.concatenate([d.rows for d in deciles]).tolist()) == list(range(100))


def test_equal_predictions_stay_together() -> None:
    deciles = price_deciles(np.array([5.0] * 30 + [7.0] * 70))

    assert [d.rows.tolist() for d in deciles] == [list(range(30)), list(range(30, 100))]


def test_one_sale_is_one_decile() -> None:
    assert [d.rows.tolist() for d in price_deciles(np.array([5.0]))] == [[0]]


def test_places_stand_in_alphabetical_order_whatever_their_type() -> None:
    found = by_label(["b", None, "a", "b"])

    assert [(s.name, s.rows.tolist()) for s in found] == [("None", [1]), ("a", [2]), ("b", [0, 3])]
