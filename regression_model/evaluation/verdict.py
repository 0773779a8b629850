"""What a study says, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regression_model.evaluation.coverage import (
    DECILE_SLACK,
    MAX_SCORE_RATIO,
    OVERALL_SLACK,
    CoverageStudy,
)
from regression_model.evaluation.ratio_study import (
    LIMITED,
    MIN_SALES,
    STATISTICS,
    RatioStudy,
    limits_text,
    within_limits,
)
from regression_model.evaluation.study import Study

# What it means to be below or above a limit of the ratio study.
_MEANINGS = {
    "median": ("predictions are too low.", "predictions are too high."),
    "cod": (
        "more uniform than markets are; has the model learnt from these sales?",
        "predictions are scattered.",
    ),
    "prd": (
        "expensive houses are valued high against cheap ones.",
        "expensive houses are valued low against cheap ones.",
    ),
    "prb": (
        "predictions are too low for more expensive houses.",
        "predictions are too high for more expensive houses.",
    ),
}
_MAX_NAMED = 6


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether what it tells is within its limit; None where there is no limit."""

    text: str
    within: bool | None = None


def verdict(study: Study) -> list[Finding]:
    """Sentences on accuracy, ranges, level, uniformity and fairness, each with its limit."""
    scores = study.metrics
    findings = [
        Finding(
            f"Half of the predictions are within {scores['mdape']:.1%} of the price, "
            f"{scores['ppe10']:.0%} of them within 10% and {scores['ppe20']:.0%} within 20%."
        )
    ]
    if study.sales < MIN_SALES:
        too_few = (
            f"{study.sales} sale(s) are too few to judge ranges and ratios; {MIN_SALES} will do."
        )
        return [*findings, Finding(too_few)]
    findings += _on_ranges(study.coverage)
    findings += _on_ratios(study.ratios.overall)
    findings += [_on_the_worst_decile(study), *_on_groups(study)]
    return findings


def summary(findings: list[Finding]) -> Finding:
    """Return one sentence on all findings."""
    judged = [finding for finding in findings if finding.within is not None]
    past = sum(not finding.within for finding in judged)
    if not judged:
        return Finding("There are too few sales for a verdict.")
    if not past:
        return Finding(f"All {len(judged)} checks are within their limits.", within=True)
    return Finding(f"{past} of {len(judged)} checks are past their limits.", within=False)


def coverage_limits(nominal: float) -> tuple[float, float]:
    """Return the share of all prices that ranges of ``nominal`` coverage should hold."""
    return nominal + OVERALL_SLACK[0], min(nominal + OVERALL_SLACK[1], 1.0)


def decile_floor(nominal: float) -> float:
    """Return the share of prices that such ranges should hold in every tenth of the sales."""
    return nominal + DECILE_SLACK


def _on_ranges(coverage: CoverageStudy) -> Iterator[Finding]:
    low, high = coverage_limits(coverage.nominal)
    floor = decile_floor(coverage.nominal)
    held = coverage.overall.ranges.coverage
    side = " They promise too much." if held < low else " They are too wide." if held > high else ""
    yield Finding(
        f"{held:.1%} of the prices are in their ranges, which promise {coverage.nominal:.0%} "
        f"(allowed: {low:.0%} to {high:.0%}).{side}",
        within=low <= held <= high,
    )
    worst = min(coverage.deciles, key=lambda decile: decile.ranges.coverage)
    yield Finding(
        f"In the worst tenth of the sales, predictions of {worst.name}, it is "
        f"{worst.ranges.coverage:.1%} (at least {floor:.0%}).",
        within=worst.ranges.coverage >= floor,
    )
    ratio = coverage.overall.score_ratio
    if ratio is not None:
        yield Finding(
            f"The ranges score {ratio:.2f} of what ranges of one width score (at most "
            f"{MAX_SCORE_RATIO:.2f}; less is better).",
            within=ratio <= MAX_SCORE_RATIO,
        )


def _on_ratios(study: RatioStudy) -> Iterator[Finding]:
    measured = study.trimmed or {}
    for name, (_, high) in LIMITED.items():
        value, statistic = measured[name].value, STATISTICS[name]
        if value is None:
            continue
        within = measured[name].within
        meaning = "." if within else f": {_MEANINGS[name][value > high]}"
        yield Finding(
            f"{statistic.title[0].upper()}{statistic.title[1:]} {statistic.form.format(value)} "
            f"({limits_text(name)}){meaning}",
            within=within,
        )


def _on_the_worst_decile(study: Study) -> Finding:
    ratio = study.decile_medians[study.worst_decile]
    name = study.coverage.deciles[study.worst_decile].name
    return Finding(
        f"The tenth of the sales farthest off, predictions of {name}, has a median ratio of "
        f"{ratio:.3f} ({limits_text('median')}).",
        within=within_limits("median", ratio),
    )


def _on_groups(study: Study) -> Iterator[Finding]:
    large = [place for place in study.ratios.locations if place.trimmed is not None]
    if not large:
        return
    # Only the level of a location is judged: PRD and PRB compare cheap houses with expensive ones,
    # which differ only by chance if houses are alike, and a low COD there is no fault.
    past = [place for place in large if "median" in place.past_limits]
    surely = [place for place in past if "median" in place.surely_past_limits]
    listed = [place.name for place in (*surely, *(p for p in past if p not in surely))]
    more = f", {len(past) - _MAX_NAMED} more" if len(past) > _MAX_NAMED else ""
    yield Finding(
        f"{len(past)} of {len(large)} location(s) with at least {MIN_SALES} sales have a median "
        f"ratio past its limits, {len(surely)} of them with their whole interval"
        + (f": {', '.join(listed[:_MAX_NAMED])}{more}." if past else "."),
        within=not past,
    )
