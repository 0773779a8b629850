"""A member with a limit stays near the others; one without goes where it wants."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from regression_model.training.estimators.blend import LimitedVotingRegressor

X = np.arange(10.0)[:, None]
Y = np.arange(10.0)
MEMBERS = [("linear", LinearRegression()), ("mean", DummyRegressor())]  # of 4.5


def fitted(**parameters: object) -> LimitedVotingRegressor:
    return LimitedVotingRegressor(MEMBERS, **parameters).fit(X, Y)  # type: ignore[arg-type]


def test_without_limits_it_is_the_weighted_mean() -> None:
    blend = fitted(weights=[1, 3])

    np.testing.assert_allclose(blend.predict([[100.0]]), (100 + 3 * 4.5) / 4)
    np.testing.assert_allclose(fitted().predict([[100.0]]), (100 + 4.5) / 2)


@pytest.mark.parametrize(("x", "held"), [(100.0, 6.5), (-100.0, 2.5), (5.0, 5.0)])
def test_a_limit_holds_a_member_near_the_others(x: float, held: float) -> None:
    blend = fitted(weights=[1, 1], limits=[2.0, None])

    np.testing.assert_allclose(blend.predict([[x]]), (held + 4.5) / 2)


def test_the_anchor_is_the_weighted_mean_of_the_members_without_a_limit() -> None:
    members = [*MEMBERS, ("ten", DummyRegressor(strategy="constant", constant=10.0))]
    blend = LimitedVotingRegressor(members, weights=[2, 3, 1], limits=[1.0, None, None]).fit(X, Y)
    anchor = (3 * 4.5 + 10) / 4

    np.testing.assert_allclose(blend.predict([[1000.0]]), (2 * (anchor + 1) + 3 * 4.5 + 10) / 6)


def test_limits_on_every_member_are_refused() -> None:
    with pytest.raises(ValueError, match="limits every member; leave one without a limit"):
        fitted(limits=[1.0, 1.0]).predict(X)


def test_it_is_cloned_with_its_limits() -> None:
    assert clone(fitted(limits=[2.0, None])).get_params()["limits"] == [2.0, None]
