"""The model beside simpler ones, on the same folds: what its parts are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from regression_model.config.spec import Member, Spec
from regression_model.evaluation.metrics import Prices, score
from regression_model.evaluation.ratio_study import ratio_study
from regression_model.sales.table import Sales
from regression_model.training.fit import MEAN, Scores, candidates, check_size, folds_of
from regression_model.training.pipeline import build_pipeline

Step = Callable[[str], None]

# Each alone in place of the config's members, without its derived features.
RIVALS = {
    "course Lasso": Member(
        name="lasso",
        weight=1,
        estimator="Lasso",
        rare_levels=0.01,
        nominal="target ordered",
        transform=True,
        scale="min-max",
        hyperparameters={"alpha": 0.001, "max_iter": 20_000},
    ),
    "ridge": Member(
        name="ridge",
        weight=1,
        estimator="Ridge",
        rare_levels=0.01,
        transform=True,
        scale="standard",
        hyperparameters={"alpha": 30.0},
    ),
    "boosted trees": Member(
        name="trees", weight=1, estimator="HistGradientBoostingRegressor", nominal="codes"
    ),
}
BLEND = "blend"


@dataclass(frozen=True)
class Candidate:
    """What is tried: a name, the unfitted estimator, and the spec it is made from, if any."""

    name: str
    estimator: Any
    spec: Spec | None


@dataclass(frozen=True)
class Result:
    """A candidate's figures, of predictions by estimators that had not seen the sale.

    ``metrics`` are means over repeats, ``folds`` those of each fold of every repeat in order;
    ``ratios`` is the trimmed ratio study of the first repeat, ``seconds`` the mean time of a fit.
    """

    name: str
    steps: list[str]
    members: list[dict[str, Any]]
    metrics: Scores
    folds: list[Scores]
    ratios: dict[str, float]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the results for JSON."""
        return asdict(self)

    def behind(self, best: Result) -> tuple[float, float]:
        """By how much RMSLE is above that of ``best``, fold by fold, and the standard error."""
        apart = [a["rmsle"] - b["rmsle"] for a, b in zip(self.folds, best.folds, strict=True)]
        return float(np.mean(apart)), float(np.std(apart, ddof=1) / np.sqrt(len(apart)))


def rivals(spec: Spec) -> Iterator[Candidate]:
    """Yield the mean, simpler models, and the blend of the config."""
    yield Candidate(MEAN, dict(candidates(spec))[MEAN], None)
    for name, member in RIVALS.items():
        simple = spec.model_copy(update={"members": (member,), "derived": (), "search": ()})
        yield Candidate(name, build_pipeline(simple), simple)
    yield Candidate(BLEND, build_pipeline(spec), spec)


def steps_of(spec: Spec, repeats: int) -> int:
    """Return how many steps :func:`compare` reports."""
    return (len(RIVALS) + 2) * spec.validation.folds * repeats


def compare(
    spec: Spec, sales: Sales, *, repeats: int = 1, step: Step = lambda _: None
) -> list[Result]:
    """Cross-validate every candidate on the same folds; the most accurate comes first.

    ``step`` is called with a candidate's name after each fit. Raises DataError where there are
    too few sales.
    """
    check_size(spec, sales)
    found = [_cross_validated(one, spec, sales, repeats, step) for one in rivals(spec)]
    return sorted(found, key=lambda result: result.metrics["rmsle"])


def _cross_validated(
    candidate: Candidate, spec: Spec, sales: Sales, repeats: int, step: Step
) -> Result:
    folds: list[Scores] = []
    whole: list[Prices] = []
    began = time.perf_counter()
    for repeat in range(repeats):
        predicted = np.empty_like(sales.prices)
        for rest, fold in folds_of(spec, len(sales.prices), repeat):
            fitted = candidate.estimator.fit(sales.frame.iloc[rest], sales.prices[rest])
            predicted[fold] = fitted.predict(sales.frame.iloc[fold])
            folds.append(score(sales.prices[fold], predicted[fold]))
            step(candidate.name)
        whole.append(predicted)
    seconds = (time.perf_counter() - began) / len(folds)
    scores = [score(sales.prices, predicted) for predicted in whole]
    return Result(
        name=candidate.name,
        steps=_steps(candidate.estimator),
        members=[] if candidate.spec is None else _members(candidate.spec),
        metrics={name: float(np.mean([one[name] for one in scores])) for name in scores[0]},
        folds=folds,
        ratios=_ratios(sales.prices, whole[0]),
        seconds=seconds,
    )


def _steps(estimator: Any) -> list[str]:
    return [name for name, _ in estimator.steps] if isinstance(estimator, Pipeline) else ["mean"]


def _members(spec: Spec) -> list[dict[str, Any]]:
    return [member.model_dump(mode="json", exclude_defaults=True) for member in spec.members]


def _ratios(actual: Prices, predicted: Prices) -> dict[str, float]:
    trimmed = ratio_study("all sales", actual, predicted).trimmed or {}
    return {name: one.value for name, one in trimmed.items() if one.value is not None}
