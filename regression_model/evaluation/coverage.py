"""Whether ranges hold the prices they promise to hold, and how narrow they are for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regression_model.evaluation.conformal import conformal_quantile
from regression_model.evaluation.outcomes import Outcomes
from regression_model.evaluation.strata import Stratum

# What ranges must hold beside their nominal coverage: overall, and in the worst tenth.
OVERALL_SLACK = (-0.02, 0.03)
DECILE_SLACK = -0.10
MAX_SCORE_RATIO = 0.92


@dataclass(frozen=True)
class RangeQuality:
    """Share of prices in their ranges, width as a share of the prediction, interval score.

    ``score`` is in dollars, ``log_score`` on natural logarithms of prices; less is better.
    """

    coverage: float
    mean_width: float
    median_width: float
    score: float
    log_score: float


@dataclass(frozen=True)
class Coverage:
    """Ranges of a stratum beside ranges of one relative width, and the ratio of their scores.

    The ratio is None where every prediction is exact, and that one width nothing.
    """

    name: str
    sales: int
    ranges: RangeQuality
    constant: RangeQuality
    score_ratio: float | None
    log_score_ratio: float | None


@dataclass(frozen=True)
class CoverageStudy:
    """Ranges over all sales, by decile of predicted price and by location.

    ``constant_half_width_log`` is the half width, on the logarithm of the price, of the ranges of
    one width that they are held against.
    """

    nominal: float
    constant_half_width_log: float
    overall: Coverage
    deciles: Sequence[Coverage]
    locations: Sequence[Coverage]


def interval_score(
    actual: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    coverage: float,
) -> NDArray[np.float64]:
    """Winkler's interval score of each range: its width, plus a fine where the price is outside.

    With ``a = 1 - coverage`` the fine is ``2 / a`` times the distance to the nearer limit; the
    ranges that score best on average are the true quantiles (T. Gneiting and A. E. Raftery,
    Journal of the American Statistical Association 102, 2007, equation 43).
    """
    fine = 2 / (1 - coverage)
    return (high - low) + fine * np.maximum(low - actual, 0) + fine * np.maximum(actual - high, 0)


def range_quality(outcomes: Outcomes, *, coverage: float) -> RangeQuality:
    """Measure the ranges of ``outcomes`` that were made for a nominal ``coverage``."""
    actual, low, high = outcomes.actual, outcomes.low, outcomes.high
    width = (high - low) / outcomes.predicted
    logs = interval_score(np.log(actual), np.log(low), np.log(high), coverage=coverage)
    return RangeQuality(
        coverage=float(np.mean((low <= actual) & (actual <= high))),
        mean_width=float(np.mean(width)),
        median_width=float(np.median(width)),
        score=float(np.mean(interval_score(actual, low, high, coverage=coverage))),
        log_score=float(np.mean(logs)),
    )


def study_coverage(
    outcomes: Outcomes,
    *,
    coverage: float,
    deciles: Sequence[Stratum],
    locations: Sequence[Stratum] = (),
) -> CoverageStudy:
    """Compare the ranges with ranges of one relative width, overall and in each stratum.

    That width is the conformal one of these very rows, which favours it a little: the ranges under
    study did not see them.
    """
    residuals = np.abs(np.log(outcomes.actual) - np.log(outcomes.predicted))
    half_width = conformal_quantile(residuals, coverage=coverage)
    spread = np.exp(half_width)
    constant = Outcomes(
        outcomes.actual,
        outcomes.predicted,
        outcomes.predicted / spread,
        outcomes.predicted * spread,
    )

    def compare(stratum: Stratum) -> Coverage:
        ours = range_quality(outcomes.take(stratum.rows), coverage=coverage)
        theirs = range_quality(constant.take(stratum.rows), coverage=coverage)
        return Coverage(
            name=stratum.name,
            sales=len(stratum.rows),
            ranges=ours,
            constant=theirs,
            score_ratio=_ratio(ours.score, theirs.score),
            log_score_ratio=_ratio(ours.log_score, theirs.log_score),
        )

    return CoverageStudy(
        nominal=coverage,
        constant_half_width_log=half_width,
        overall=compare(Stratum("all sales", np.arange(len(outcomes)))),
        deciles=[compare(stratum) for stratum in deciles],
        locations=[compare(stratum) for stratum in locations],
    )


def _ratio(ours: float, theirs: float) -> float | None:
    return ours / theirs if theirs > 0 else None
