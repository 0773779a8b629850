"""One function measures everything, of any model, as plain values."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from regression_model.evaluation.metrics import score
from regression_model.evaluation.study import Study, study

COUNT = 400


def sales(bias_of_decile: int | None = None) -> dict[str, Any]:
    """Good predictions with ranges; one decile of them may be a tenth too high."""
    rng = np.random.default_rng(5)
    tenth = np.arange(COUNT) // 40
    actual = 20_000 * 1.5**tenth * np.exp(rng.normal(0, 0.02, COUNT))
    predicted = actual * np.exp(rng.normal(0, 0.02, COUNT))
    if bias_of_decile is not None:
        predicted[tenth == bias_of_decile] *= 1.1
    return {
        "actual": actual,
        "predicted": predicted,
        "low": 0.9 * predicted,
        "high": 1.1 * predicted,
        "coverage": 0.90,
        "locations": ["north", "south", "south", "south"] * 100,
    }


def test_a_study_holds_metrics_ranges_and_ratios_of_all_and_of_each_group() -> None:
    given = sales()

    found = study(**given)

    assert found.sales == COUNT
    assert found.metrics == score(given["actual"], given["predicted"])
    assert [c.sales for c in found.coverage.locations] == [100, 300]
    assert [r.name for r in found.ratios.locations] == ["north", "south"]
    assert len(found.ratios.deciles) == len(found.coverage.deciles) == 10
    assert found.ratios.overall.sales == COUNT


def test_a_study_is_plain_json_also_of_a_single_sale() -> None:
    one = np.array([100.0])

    for found in (
        study(**sales(), resamples=20),
        study(one, one, low=one, high=one, coverage=0.9, locations=["x"]),
    ):
        told = found.as_dict()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        assert told["coverage"] == asdict(found)["coverage"]
        assert told["metrics"]["mdape"] == found.metrics["mdape"]


def test_a_single_sale_has_every_metric_but_r2() -> None:
    one = np.array([100.0])

    found = study(one, 1.1 * one, low=one, high=2 * one, coverage=0.9)

    told = found.as_dict()["metrics"]
    assert [name for name, value in told.items() if value is None] == ["r2"]
    assert found.metrics["mdape"] == pytest.approx(0.1)
    assert found.decile_medians == [pytest.approx(1.1)]
    assert found.ratios.overall.trimmed is None


@pytest.mark.parametrize("decile", [0, 4, 9])
def test_the_worst_decile_is_the_one_that_is_biased(decile: int) -> None:
    found = study(**sales(bias_of_decile=decile))

    assert found.worst_decile == decile
    assert found.worst_decile_distance == pytest.approx(0.1, abs=0.01)
    assert found.decile_medians[decile] == pytest.approx(1.1, abs=0.01)
    others = [m for i, m in enumerate(found.decile_medians) if i != decile]
    assert np.abs(np.array(others) - 1).max() < 0.01


def test_the_order_of_sales_does_not_matter() -> None:
    given = sales()
    order = np.random.default_rng(1).permutation(COUNT)
    shuffled: dict[str, Any] = {
        name: np.asarray(values)[order] if np.ndim(values) else values
        for name, values in given.items()
    }

    one, other = study(**given), study(**shuffled)

    assert one.decile_medians == other.decile_medians
    assert one.coverage.overall.ranges.coverage == other.coverage.overall.ranges.coverage
    for ours, theirs in zip(one.ratios.deciles, other.ratios.deciles, strict=True):
        assert ours.trimmed is not None
        assert theirs.trimmed is not None
        for name, measured in ours.trimmed.items():
            assert measured.value == pytest.approx(theirs.trimmed[name].value)


def test_stated_fsd_is_held_against_the_errors() -> None:
    actual = np.array([100.0, 130.0, 80.0, 100.0])
    predicted = np.full(4, 100.0)
    stated = np.array([0.10, 0.30, 0.19, 0.05])

    found = study(
        actual, predicted, low=0.8 * predicted, high=1.2 * predicted, coverage=0.9, fsd=stated
    )

    assert found.fsd is not None
    assert found.fsd.median == pytest.approx((0.10 + 0.19) / 2)
    assert found.fsd.within_one == 0.75  # the third is 20% off and said 19%


def test_intervals_are_made_only_on_request_and_progress_is_told() -> None:
    told: list[str] = []

    def median(found: Study) -> Any:
        assert found.ratios.overall.trimmed is not None
        return found.ratios.overall.trimmed["median"]

    quick, thorough = study(**sales(), step=told.append), study(**sales(), resamples=50)

    assert median(quick).low is None
    assert median(thorough).low < median(thorough).value < median(thorough).high
    assert median(quick).value == median(thorough).value
    assert len(told) == 1 + 10 + 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"low": np.ones(3)}, r"low has the shape \(3,\); expected one value for each of the 400"),
        ({"high": np.full(COUNT, np.nan)}, r"high\[0\] is nan; expected a positive number"),
        ({"predicted": np.zeros(COUNT)}, r"predicted\[0\] is 0\.0; expected a positive number"),
        ({"locations": ["x"]}, r"locations has 1 name\(s\) for 400 sales"),
        ({"fsd": np.ones(2)}, r"fsd has the shape \(2,\)"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        study(**{**sales(), **changed})
