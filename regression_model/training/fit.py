"""Fit, judge and refit: from sales to a model that may be saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import Pipeline

from regression_model.config.spec import Spec
from regression_model.errors import DataError
from regression_model.evaluation.metrics import Prices, rmsle, score
from regression_model.evaluation.strata import location_names
from regression_model.evaluation.study import RESAMPLES, Study, study
from regression_model.sales.table import Sales
from regression_model.training.difficulty import (
    Column,
    DifficultyRegressor,
    predict_difficulty,
)
from regression_model.training.evidence import (
    Evidence,
    cross_fitted_difficulty,
    gather_evidence,
    joined,
    learn_difficulty,
)
from regression_model.training.gate import Check, check_gate, checks_of, gated_figures
from regression_model.training.intervals import Calibration, calibrate, covered
from regression_model.training.pipeline import build_pipeline, build_plain_lasso
from regression_model.training.twin.compile import compile_pipeline
from regression_model.training.twin.parity import Parity, prove_parity

Step = Callable[[str], None]
Scores = dict[str, float]

ROWS_PER_FOLD = 10
MODEL, LASSO, MEAN = "model", "plain Lasso", "mean"


@dataclass(frozen=True)
class Judgement:
    """Scores of the model and its baselines, and the ranges that they imply.

    ``cross_validated`` are scores of out-of-fold predictions (mean over repeats), ``held_out``
    those of one model on rows it never saw; both by candidate, then metric. ``members`` is the
    RMSLE of each member alone, without its limit (mean over repeats). ``evidence`` is what
    the models of all folds said, ``out_of_fold`` the first repeat's verdict on each sale, and
    ``study`` what that is worth.
    """

    cross_validated: dict[str, Scores]
    held_out: dict[str, Scores]
    repeats: list[Scores]
    members: dict[str, float]
    calibration: Calibration
    held_out_coverage: float
    study: Study
    evidence: Evidence = field(compare=False, repr=False)
    out_of_fold: OutOfFold = field(compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Estimates and ranges by models that had not seen the sale, dollars, shape ``(sales,)``.

    ``fsd`` is the forecast standard deviation, a share of the estimate.
    """

    predicted: Prices
    low: Prices
    high: Prices
    fsd: Prices


@dataclass(frozen=True)
class Trained:
    """Hold the pipeline fitted on all rows, its compiled twin, and all figures."""

    pipeline: Pipeline
    difficulty: DifficultyRegressor | None
    graph: bytes
    judgement: Judgement
    parity: Parity
    checks: Sequence[Check]


def steps_of(spec: Spec, repeats: int) -> int:
    """Return how many steps :func:`train` reports."""
    return repeats * spec.validation.folds + 4


def train(
    spec: Spec,
    sales: Sales,
    *,
    repeats: int = 1,
    force: bool = False,
    step: Step = lambda _: None,
) -> Trained:
    """Train a model: cross-validate, check the gate, refit on all sales, compile, compare twins.

    Parameters
    ----------
    spec : Spec
        Description of columns and model.
    sales : Sales
        Checked sales, sorted by identifier; prices in dollars.
    repeats : int, default 1
        How often the cross-validation is repeated, with new folds.
    force : bool, default False
        Whether a model that fails its gate is returned all the same. Twins that differ are always
        an error: they mean a wrong program.
    step : callable taking a str, optional
        Is called with a description after each fit; :func:`steps_of` tells how often.

    Returns
    -------
    Trained
        Pipeline and difficulty fitted on all sales, the graph, and all figures.

    Raises
    ------
    DataError
        If there are too few sales.
    GateFailed
        If a figure is past its limit in the config.
    ParityError
        If pipeline and graph differ by more than a dollar on any row.
    """
    check_size(spec, sales)
    judgement = judge(spec, sales, repeats=repeats, step=step)
    limits = spec.gates.get(sales.source, {})
    figures = gated_figures(judgement.cross_validated[MODEL], judgement.study)
    checks = checks_of(figures, limits)
    if not force:
        check_gate(checks, source=sales.source)
    pipeline = build_pipeline(spec).fit(sales.frame, sales.prices)
    difficulty = learn_difficulty(spec, judgement.evidence)
    step("refitted on all rows")
    graph = compile_pipeline(pipeline, difficulty)
    parity = prove_parity(spec, pipeline, difficulty, graph, sales.frame)
    checks += checks_of({"parity": parity.largest}, limits)
    if not force:
        check_gate(checks, source=sales.source)
    step("compiled, twins compared")
    return Trained(pipeline, difficulty, graph, judgement, parity, checks)


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
    scores = [
        {name: score(sales.prices, values) for name, values in run.predicted.items()}
        for run in runs
    ]
    evidence = joined([run.evidence for run in runs])
    difficulty = cross_fitted_difficulty(spec, evidence)
    as_given = evidence.copy == 0
    calibration = calibrate(evidence.error[as_given], difficulty[as_given], coverage=spec.coverage)
    step("difficulty learned")
    held_out, coverage = _hold_out(spec, sales, evidence, calibration)
    step("hold-out scored")
    out_of_fold = _out_of_fold(runs[0].predicted[MODEL], evidence, difficulty, calibration)
    return Judgement(
        cross_validated={name: _mean([s[name] for s in scores]) for name in scores[0]},
        held_out=held_out,
        repeats=[s[MODEL] for s in scores],
        members=_members_alone(spec, sales, runs),
        calibration=calibration,
        held_out_coverage=coverage,
        study=_study(spec, sales, out_of_fold),
        evidence=evidence,
        out_of_fold=out_of_fold,
    )


def _study(spec: Spec, sales: Sales, found: OutOfFold) -> Study:
    return study(
        sales.prices,
        found.predicted,
        low=found.low,
        high=found.high,
        fsd=found.fsd,
        coverage=spec.coverage,
        locations=location_names(spec, sales.frame),
        resamples=RESAMPLES,
        seed=spec.seed,
    )


def _out_of_fold(
    predicted: Prices, evidence: Evidence, difficulty: Column, calibration: Calibration
) -> OutOfFold:
    first = (evidence.repeat == 0) & (evidence.copy == 0)
    hard = np.empty_like(predicted)
    hard[evidence.sale[first]] = difficulty[first]
    spread = np.exp(calibration.half_width * hard)
    return OutOfFold(predicted, predicted / spread, predicted * spread, calibration.fsd * hard)


def candidates(spec: Spec) -> Iterator[tuple[str, Any]]:
    """Yield the model and what it must beat, unfitted."""
    yield MODEL, build_pipeline(spec)
    yield LASSO, build_plain_lasso(spec)
    yield (
        MEAN,
        TransformedTargetRegressor(regressor=DummyRegressor(), func=np.log, inverse_func=np.exp),
    )


def folds_of(spec: Spec, rows: int, repeat: int) -> Iterator[tuple[Any, Any]]:
    """Yield positions to learn from and positions to predict, for each fold of one repeat."""
    folds = KFold(spec.validation.folds, shuffle=True, random_state=(spec.seed + repeat) % 2**32)
    yield from folds.split(np.empty(rows))


class _Run(NamedTuple):
    """One repeat: dollars by candidate, those of each member as a column, and the evidence."""

    predicted: dict[str, Prices]
    members: Prices
    evidence: Evidence


def _members_alone(spec: Spec, sales: Sales, runs: Sequence[_Run]) -> dict[str, float]:
    return {
        member.name: float(np.mean([rmsle(sales.prices, run.members[:, k]) for run in runs]))
        for k, member in enumerate(spec.members)
    }


def _cross_validate(spec: Spec, sales: Sales, repeat: int, step: Step) -> _Run:
    predicted = {name: np.empty_like(sales.prices) for name, _ in candidates(spec)}
    members = np.empty((len(sales.prices), len(spec.members)))
    found = []
    for number, (rest, fold) in enumerate(folds_of(spec, len(sales.prices), repeat), 1):
        fitted = _fit(spec, sales, rest)
        for name, values in _predict(fitted, sales, fold).items():
            predicted[name][fold] = values
        members[fold] = _by_member(fitted[MODEL], sales, fold)
        found.append(gather_evidence(spec, fitted[MODEL], sales, fold, repeat=repeat, fold=number))
        step(f"repeat {repeat + 1}, fold {number} scored")
    return _Run(predicted, members, joined(found))


def _by_member(model: Pipeline, sales: Sales, rows: Any) -> Prices:
    prepared = model[:-1].transform(sales.frame.iloc[rows])
    return np.asarray(np.exp(model[-1].regressor_.member_predictions(prepared)))


def _hold_out(
    spec: Spec, sales: Sales, evidence: Evidence, calibration: Calibration
) -> tuple[dict[str, Scores], float]:
    """Scores and coverage on a part of the sales that neither model nor difficulty has seen."""
    rest, held = train_test_split(
        np.arange(len(sales.prices)),
        test_size=spec.validation.holdout,
        random_state=spec.seed,
    )
    fitted = _fit(spec, sales, rest)
    predicted = _predict(fitted, sales, held)
    scores = {name: score(sales.prices[held], values) for name, values in predicted.items()}
    difficulty = learn_difficulty(spec, evidence.where(np.isin(evidence.sale, rest)))
    encoded = fitted[MODEL][:1].transform(sales.frame.iloc[held])
    hard = predict_difficulty(difficulty, fitted[MODEL], encoded)
    error = np.log(sales.prices[held]) - np.log(predicted[MODEL])
    return scores, covered(error, hard, calibration)


def _fit(spec: Spec, sales: Sales, rows: Any) -> dict[str, Any]:
    known, prices = sales.frame.iloc[rows], sales.prices[rows]
    return {name: estimator.fit(known, prices) for name, estimator in candidates(spec)}


def _predict(fitted: dict[str, Any], sales: Sales, rows: Any) -> dict[str, Prices]:
    unseen = sales.frame.iloc[rows]
    return {name: np.asarray(e.predict(unseen), dtype=float) for name, e in fitted.items()}


def _mean(scores: list[Scores]) -> Scores:
    return {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
