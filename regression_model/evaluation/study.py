"""Everything that is measured of a model on sales whose prices are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from regression_model.evaluation.coverage import CoverageStudy, study_coverage
from regression_model.evaluation.metrics import Prices, score
from regression_model.evaluation.outcomes import Outcomes
from regression_model.evaluation.ratio_study import RatioStudy, ratio_study
from regression_model.evaluation.strata import Stratum, by_label, price_deciles

RESAMPLES = 1000


@dataclass(frozen=True)
class StatedFsd:
    """The FSD that the model states with each price, and whether it keeps its word.

    ``within_one`` is the share of prices within one FSD of the prediction; 68% is expected.
    """

    median: float
    within_one: float


@dataclass(frozen=True)
class RatioStudies:
    """The ratio study of all sales, of each decile of predicted price and of each location."""

    overall: RatioStudy
    deciles: Sequence[RatioStudy]
    locations: Sequence[RatioStudy]


@dataclass(frozen=True)
class Study:
    """Accuracy, ranges and ratios of a model.

    ``decile_medians`` are the median ratios by decile of predicted price, cheapest first; unlike
    the ratio study they are given for any number of sales.
    """

    sales: int
    metrics: dict[str, float]
    coverage: CoverageStudy
    ratios: RatioStudies
    decile_medians: list[float]
    fsd: StatedFsd | None

    @property
    def worst_decile(self) -> int:
        """Position of the decile whose median ratio is farthest from 1."""
        return int(np.argmax(np.abs(np.array(self.decile_medians) - 1)))

    @property
    def worst_decile_distance(self) -> float:
        """Return how far the worst decile's median ratio is from 1, without its sign."""
        return abs(self.decile_medians[self.worst_decile] - 1)

    def as_dict(self) -> dict[str, Any]:
        """Return the same as what JSON holds; a metric that is not defined is None."""
        return {
            **asdict(self),
            "metrics": {k: v if math.isfinite(v) else None for k, v in self.metrics.items()},
            "worst_decile": self.worst_decile,
            "worst_decile_distance": self.worst_decile_distance,
        }


def study(
    actual: Prices,
    predicted: Prices,
    *,
    low: Prices,
    high: Prices,
    coverage: float,
    fsd: Prices | None = None,
    locations: Sequence[Any] | None = None,
    resamples: int = 0,
    seed: int = 0,
    step: Callable[[str], None] = lambda _: None,
) -> Study:
    """Measure predictions and ranges against actual prices.

    Parameters
    ----------
    actual, predicted, low, high : ndarray of float64, shape (n,)
        Dollars.
    coverage : float
        Share of prices that the ranges promise to hold.
    fsd : ndarray of float64, shape (n,), optional
        Forecast standard deviation of each prediction, as a share of it.
    locations : sequence of n names, optional
        Location of each sale.
    resamples : int, default 0
        Samples of the bootstrap that gives ratio statistics their interval; 0 gives none and takes
        milliseconds.
    seed : int, default 0
        Seed of the bootstrap.
    step : callable taking a str, optional
        Is called after each group of sales.

    Returns
    -------
    Study
        All figures: overall, by tenth of the predicted price, by location.

    Raises
    ------
    ValueError
        If the arrays have different lengths.
    """
    outcomes = Outcomes(actual, predicted, low, high)
    _check_lengths(outcomes, fsd, locations)
    deciles = price_deciles(predicted)
    places = [] if locations is None else by_label(locations)

    def ratios(stratum: Stratum) -> RatioStudy:
        part = outcomes.take(stratum.rows)
        found = ratio_study(
            stratum.name, part.actual, part.predicted, resamples=resamples, seed=seed
        )
        step(stratum.name)
        return found

    return Study(
        sales=len(outcomes),
        metrics=score(actual, predicted),
        coverage=study_coverage(outcomes, coverage=coverage, deciles=deciles, locations=places),
        ratios=RatioStudies(
            overall=ratios(Stratum("all sales", np.arange(len(outcomes)))),
            deciles=[ratios(stratum) for stratum in deciles],
            locations=[ratios(stratum) for stratum in places],
        ),
        decile_medians=[
            float(np.median(predicted[stratum.rows] / actual[stratum.rows])) for stratum in deciles
        ],
        fsd=None if fsd is None else _stated(outcomes, fsd),
    )


def _check_lengths(outcomes: Outcomes, fsd: Prices | None, locations: Sequence[Any] | None) -> None:
    count = len(outcomes)
    if fsd is not None and fsd.shape != (count,):
        raise ValueError(f"fsd has the shape {fsd.shape}; expected ({count},)")
    if locations is not None and len(locations) != count:
        raise ValueError(f"locations has {len(locations)} name(s) for {count} sales")


def _stated(outcomes: Outcomes, fsd: Prices) -> StatedFsd:
    errors = np.abs(outcomes.actual - outcomes.predicted) / outcomes.predicted
    return StatedFsd(median=float(np.median(fsd)), within_one=float(np.mean(errors <= fsd)))
