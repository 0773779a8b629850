"""A model, asked for the prices of sales that are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from regression_model.artifact import GRAPH
from regression_model.evaluation.importance import importance
from regression_model.evaluation.outcomes import Estimates, Outcomes
from regression_model.evaluation.strata import location_names
from regression_model.evaluation.study import RESAMPLES, Study, study
from regression_model.model import Model
from regression_model.reading.encoder import Encoder, Matrix
from regression_model.reading.issues import NOTHING
from regression_model.reading.tables import CHUNK_ROWS, frame_rows
from regression_model.reading.validation import HouseValidator
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer

Step = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """The study of a model on sales, and what its plots are drawn from.

    ``locations`` names the place of each sale, None where the model knows no places; ``seen``
    tells that the model was trained on these sales.
    """

    study: Study
    outcomes: Estimates
    locations: list[str] | None
    seen: bool


def steps_of(model: Model, sales: Sales, *, with_importance: bool) -> int:
    """Return how many steps evaluating takes, at most."""
    places = 0 if model.spec.location is None else len(model.spec.location.levels) + 1
    fields = len(model.spec.inputs) if with_importance else 0
    return math.ceil(len(sales.prices) / CHUNK_ROWS) + 1 + 10 + places + fields


def evaluate(model: Model, sales: Sales, *, step: Step = lambda _: None) -> Evaluation:
    """Value ``sales`` and study the outcome, with bootstrap intervals."""
    prices, low, high, fsd = _valued(model, sales, step)
    locations = location_names(model.spec, sales.frame)
    found = study(
        sales.prices,
        prices,
        low=low,
        high=high,
        fsd=fsd,
        coverage=model.spec.coverage,
        locations=locations,
        resamples=RESAMPLES,
        seed=model.spec.seed,
        step=step,
    )
    seen = bool(model.artifact.manifest["data"]["sha256"] == sales.sha256)
    return Evaluation(found, Outcomes(sales.prices, prices, low, high), locations, seen)


def model_importance(
    model: Model, sales: Sales, *, step: Step = lambda _: None
) -> dict[str, float]:
    """Return how much each field matters to ``model`` among ``sales``; see :func:`importance`."""
    rows, _ = frame_rows(sales.frame, model.spec)
    houses, _ = HouseValidator(model.spec).check(rows)
    encoder = Encoder(model.spec)
    matrix, _ = encoder.encode([house for house in houses if house is not None], limits=NOTHING)
    scorer = Scorer(model.artifact.read(GRAPH), half_width=0.0)

    def price(changed: Matrix) -> NDArray[np.float64]:
        return scorer.score(changed).price

    return importance(price, matrix, encoder.names, seed=model.spec.seed, step=step)


def _valued(model: Model, sales: Sales, step: Step) -> tuple[Any, Any, Any, Any]:
    """Predictions, limits of their ranges and, where the model states it, FSD."""
    prices: list[Any] = []
    ranges: list[Any] = []
    fsd: list[Any] = []
    for start in range(0, len(sales.frame), CHUNK_ROWS):
        part = cast(dict[str, Any], model.predict(sales.frame.iloc[start : start + CHUNK_ROWS]))
        prices += part["predictions"]
        ranges += part["intervals"]
        fsd += part.get("fsd", [])
        step("sales valued")
    low, high = np.array(ranges, dtype=float).T
    return np.array(prices, dtype=float), low, high, np.array(fsd, dtype=float) if fsd else None
