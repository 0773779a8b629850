"""Training judges before it saves, and gives the same model for the same sales in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.errors import GateFailed
from regression_model.sales.sample import generate
from regression_model.sales.table import Sales, load_sales
from regression_model.training.fit import LASSO, MEAN, MODEL, Judgement, Trained, steps_of, train

ROWS = 150


@pytest.fixture(scope="module")
def small(spec: Spec) -> Spec:
    """The quick model, smaller still, judged by no gate."""
    members = [
        m.model_copy(update={"hyperparameters": {**m.hyperparameters, "n_estimators": 20}})
        if "n_estimators" in m.hyperparameters
        else m
        for m in spec.members
    ]
    validation = spec.validation.model_copy(update={"folds": 2})
    return spec.model_copy(
        update={"members": tuple(members), "validation": validation, "gates": {}}
    )


@pytest.fixture(scope="module")
def table(small: Spec) -> pd.DataFrame:
    return generate(ROWS, seed=5, spec=small)


def train_on(table: pd.DataFrame, path: Path, spec: Spec) -> tuple[Sales, Trained]:
    table.to_csv(path, index=False)
    sales = load_sales(path, spec)
    return sales, train(spec, sales)


@pytest.fixture(scope="module")
def in_order(
    table: pd.DataFrame, small: Spec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sales, Trained]:
    return train_on(table, tmp_path_factory.mktemp("sales") / "sales.csv", small)


@pytest.mark.parametrize("seed", [1, 2])
def test_same_rows_in_any_order_give_bit_identical_predictions(
    seed: int, table: pd.DataFrame, small: Spec, in_order: tuple[Sales, Trained], tmp_path: Path
) -> None:
    sales, trained = in_order
    again, retrained = train_on(table.sample(frac=1, random_state=seed), tmp_path / "s.csv", small)

    assert again.sha256 != sales.sha256
    np.testing.assert_array_equal(
        retrained.pipeline.predict(table), trained.pipeline.predict(table)
    )
    assert retrained.graph == trained.graph
    assert retrained.judgement == trained.judgement
    assert retrained.parity == trained.parity


def test_another_seed_gives_another_model(small: Spec, in_order: tuple[Sales, Trained]) -> None:
    sales, trained = in_order
    other = train(small.model_copy(update={"seed": 1}), sales)

    assert other.graph != trained.graph


def test_model_beats_the_mean(in_order: tuple[Sales, Trained]) -> None:
    scores = in_order[1].judgement.cross_validated

    assert list(scores) == [MODEL, LASSO, MEAN]
    assert scores[MODEL]["rmsle"] < 0.75 * scores[MEAN]["rmsle"]


@pytest.fixture(scope="module")
def repeated(small: Spec, in_order: tuple[Sales, Trained]) -> tuple[list[str], Judgement]:
    """What two repeats of the cross-validation report, and what they find."""
    reported: list[str] = []
    return reported, train(small, in_order[0], repeats=2, step=reported.append).judgement


def test_steps_reported_are_those_announced(
    small: Spec, repeated: tuple[list[str], Judgement]
) -> None:
    reported, _ = repeated

    assert len(reported) == steps_of(small, 2)
    assert len(set(reported)) == len(reported)


def test_repeats_differ_and_the_first_is_the_one_of_a_single_run(
    in_order: tuple[Sales, Trained], repeated: tuple[list[str], Judgement]
) -> None:
    first, second = repeated[1].repeats

    assert first == in_order[1].judgement.repeats[0]
    assert second != first


def test_score_over_repeats_is_their_mean(repeated: tuple[list[str], Judgement]) -> None:
    judgement = repeated[1]

    for name, value in judgement.cross_validated[MODEL].items():
        assert value == pytest.approx(np.mean([run[name] for run in judgement.repeats]))


def test_model_past_a_limit_is_refused_by_metric_and_limit(
    small: Spec, in_order: tuple[Sales, Trained]
) -> None:
    strict = small.model_copy(
        update={"gates": {"file": {"rmsle": 0.001, "mae": 1e9, "r2": 0.9999}}}
    )
    reported: list[str] = []

    with pytest.raises(
        GateFailed, match=r"(?s)data 'file'.*RMSLE is 0\.\d+, must be at most 0\.0010"
    ):
        train(strict, in_order[0], step=reported.append)

    assert "refitted on all rows" not in reported


def test_limits_of_another_source_do_not_count(
    small: Spec, in_order: tuple[Sales, Trained]
) -> None:
    other = small.model_copy(update={"gates": {"sample": {"rmsle": 0.001}}})

    assert train(other, in_order[0]).judgement == in_order[1].judgement
