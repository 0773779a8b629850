"""Fit, judge and refit: from sales to a model that may be saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import Pipeline

from regression_model.errors import DataError
from regression_model.evaluation.metrics import Prices, score
from regression_model.spec import Spec
from regression_model.training.compile import compile_pipeline
from regression_model.training.data import Sales
from regression_model.training.gate import check_gate
from regression_model.training.intervals import conformal_half_width, covered
from regression_model.training.parity import Parity, prove_parity
from regression_model.training.pipeline import build_pipeline, build_plain_lasso

Step = Callable[[str], None]
Scores = dict[str, float]

ROWS_PER_FOLD = 10
MODEL, LASSO, MEAN = "model", "plain Lasso", "mean"


@dataclass(frozen=True)
class Judgement:
    """Scores of the model and its baselines, and the range's half width they imply.

    ``cross_validated`` are scores of out-of-fold predictions (mean over repeats), ``held_out``
    those of one model on rows it never saw; both by candidate, then metric.
    """

    cross_validated: dict[str, Scores]
    held_out: dict[str, Scores]
    repeats: list[Scores]
    half_width: float
    held_out_coverage: float


@dataclass(frozen=True)
class Trained:
    """A pipeline fitted on all rows, its proven twin, and how good they are."""

    pipeline: Pipeline
    graph: bytes
    judgement: Judgement
    parity: Parity


def steps_of(spec: Spec, repeats: int) -> int:
    """How many steps :func:`train` reports."""
    return repeats * spec.validation.folds + 3


def train(spec: Spec, sales: Sales, *, repeats: int = 1, step: Step = lambda _: None) -> Trained:
    """Cross-validate, score a hold-out, check the gate, refit on all rows, compile, prove.

    ``step`` is called with a description after each fit. Raises DataError (too few sales),
    GateFailed or ParityError; then there is nothing to save.
    """
    check_size(spec, sales)
    judgement = judge(spec, sales, repeats=repeats, step=step)
    limits = spec.gates.get(sales.source, {})
    check_gate(judgement.cross_validated[MODEL], limits, source=sales.source)
    pipeline = build_pipeline(spec).fit(sales.frame, sales.prices)
    step("refitted on all rows")
    graph = compile_pipeline(pipeline)
    parity = prove_parity(spec, pipeline, graph, sales.frame)
    step("compiled, twins compared")
    return Trained(pipeline, graph, judgement, parity)


def check_size(spec: Spec, sales: Sales) -> None:
    """Raise DataError where there are too few sales for the folds."""
    needed = ROWS_PER_FOLD * spec.validation.folds
    if len(sales.prices) < needed:
        raise DataError(
            f"{sales.name} has {len(sales.prices)} sales; cross-validation in "
            f"{spec.validation.folds} folds needs at least {needed}"
        )


def judge(spec: Spec, sales: Sales, *, repeats: int, step: Step) -> Judgement:
    """Score the model and its baselines on rows they have not seen."""
    runs = [_cross_validate(spec, sales, repeat, step) for repeat in range(repeats)]
    scores = [{name: score(sales.prices, p) for name, p in run.items()} for run in runs]
    half_width = conformal_half_width(
        np.tile(sales.prices, repeats),
        np.concatenate([run[MODEL] for run in runs]),
        coverage=spec.coverage,
    )
    held_out, coverage = _hold_out(spec, sales, half_width)
    step("hold-out scored")
    return Judgement(
        cross_validated={name: _mean([s[name] for s in scores]) for name in runs[0]},
        held_out=held_out,
        repeats=[s[MODEL] for s in scores],
        half_width=half_width,
        held_out_coverage=coverage,
    )


def candidates(spec: Spec) -> Iterator[tuple[str, Any]]:
    """The model and what it must beat, unfitted."""
    yield MODEL, build_pipeline(spec)
    yield LASSO, build_plain_lasso(spec)
    yield (
        MEAN,
        TransformedTargetRegressor(regressor=DummyRegressor(), func=np.log, inverse_func=np.exp),
    )


def folds_of(spec: Spec, rows: int, repeat: int) -> Iterator[tuple[Any, Any]]:
    """Positions to learn from and positions to predict, for each fold of one repeat."""
    folds = KFold(spec.validation.folds, shuffle=True, random_state=(spec.seed + repeat) % 2**32)
    yield from folds.split(np.empty(rows))


def _cross_validate(spec: Spec, sales: Sales, repeat: int, step: Step) -> dict[str, Prices]:
    predicted = {name: np.empty_like(sales.prices) for name, _ in candidates(spec)}
    for number, (rest, fold) in enumerate(folds_of(spec, len(sales.prices), repeat), 1):
        for name, values in _fit_predict(spec, sales, rest, fold).items():
            predicted[name][fold] = values
        step(f"repeat {repeat + 1}, fold {number} scored")
    return predicted


def _hold_out(spec: Spec, sales: Sales, half_width: float) -> tuple[dict[str, Scores], float]:
    rest, held = train_test_split(
        np.arange(len(sales.prices)),
        test_size=spec.validation.holdout,
        random_state=spec.seed,
    )
    predicted = _fit_predict(spec, sales, rest, held)
    actual = sales.prices[held]
    scores = {name: score(actual, values) for name, values in predicted.items()}
    return scores, covered(actual, predicted[MODEL], half_width)


def _fit_predict(spec: Spec, sales: Sales, rest: Any, fold: Any) -> dict[str, Prices]:
    known, prices, unseen = sales.frame.iloc[rest], sales.prices[rest], sales.frame.iloc[fold]
    return {
        name: np.asarray(estimator.fit(known, prices).predict(unseen), dtype=float)
        for name, estimator in candidates(spec)
    }


def _mean(scores: list[Scores]) -> Scores:
    return {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
