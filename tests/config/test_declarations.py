"""A formula and an estimator are declared once; what else they need is found by their names."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from regression_model.config.estimators import ESTIMATORS
from regression_model.config.formulas import FORMULAS
from regression_model.config.spec import Derived, Member
from regression_model.training.compiler import converters  # noqa: F401  # registers scikit-learn's
from regression_model.training.compiler.graph import convert
from regression_model.training.transformers.derived import NODES


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_is_compiled(name: str) -> None:
    assert FORMULAS[name].is_weighted_sum == (name not in NODES)


def test_no_nodes_are_left_of_a_formula_that_is_gone() -> None:
    assert set(NODES) <= set(FORMULAS)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_found_and_compiled(name: str) -> None:
    kind = ESTIMATORS[name].load()

    assert kind.__name__ == name
    assert convert.dispatch(kind) is not convert.dispatch(object)


def test_a_spec_refuses_names_that_nothing_declares() -> None:
    with pytest.raises(ValidationError, match="'SVR' is not one of Lasso, Ridge, ElasticNet"):
        Member(name="m", weight=1, estimator="SVR")
    with pytest.raises(ValidationError, match="'mean' is not one of sum, difference"):
        Derived(name="d", description="", formula="mean", terms=())
    with pytest.raises(ValidationError, match="'~' is not one of =, !="):
        Derived(name="d", description="", formula="flag", terms=(), comparison="~")
