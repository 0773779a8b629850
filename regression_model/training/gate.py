"""The gate: no model past a limit of the config is saved, unless that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from regression_model.config.spec import Limit
from regression_model.errors import GateFailed
from regression_model.evaluation.metrics import METRICS
from regression_model.evaluation.ratio_study import STATISTICS
from regression_model.evaluation.study import Study

Scores = Mapping[str, float]
NOT_DEFINED = float("nan")  # past every limit


class Gated(NamedTuple):
    """Something a model is judged by: title, form, and which way is better (None: the middle)."""

    title: str
    form: str
    lower_is_better: bool | None


@dataclass(frozen=True)
class Check:
    """A figure beside its limits, which are inclusive; None where that side has none."""

    name: str
    value: float
    lowest: float | None
    highest: float | None

    @property
    def passed(self) -> bool:
        low = self.lowest is None or self.value >= self.lowest
        high = self.highest is None or self.value <= self.highest
        return low and high and self.value == self.value  # NaN fails every limit

    @property
    def title(self) -> str:
        return GATED[self.name].title

    @property
    def shown(self) -> str:
        """Return the value as people read it."""
        return GATED[self.name].form.format(self.value)

    @property
    def demand(self) -> str:
        """Return the limits as people read them."""
        form = GATED[self.name].form.format
        if self.lowest is None or self.highest is None:
            side = "at most" if self.lowest is None else "at least"
            return f"{side} {form(self.highest if self.lowest is None else self.lowest)}"
        return f"{form(self.lowest)} to {form(self.highest)}"

    def as_dict(self) -> dict[str, Any]:
        value = self.value if self.value == self.value else None
        return {**vars(self), "value": value, "passed": self.passed}


_RANGES = {
    "coverage": Gated("coverage of ranges", "{:.1%}", None),
    "decile_coverage": Gated("coverage, worst price decile", "{:.1%}", False),
    "score_ratio": Gated("interval score / one width's", "{:.3f}", True),
}
_RATIOS = {
    "median_ratio": Gated("median ratio", STATISTICS["median"].form, None),
    "decile_ratio": Gated("median ratio, worst price decile", STATISTICS["median"].form, None),
    "cod": Gated("COD", STATISTICS["cod"].form, True),
    "prd": Gated("PRD", STATISTICS["prd"].form, None),
    "prb": Gated("PRB", STATISTICS["prb"].form, None),
}
GATED: dict[str, Gated] = {
    **{name: Gated(m.title, m.form, m.lower_is_better) for name, m in METRICS.items()},
    **_RANGES,
    **_RATIOS,
    "parity": Gated("twins apart", "${:,.2g}", True),
}


def gated_figures(scores: Scores, study: Study) -> dict[str, float]:
    """Return what the gate may look at before the model is refitted, by name.

    ``scores`` are the cross-validated metrics, ``study`` that of out-of-fold predictions.
    """
    coverage, ratios = study.coverage, study.ratios.overall.trimmed or {}

    def ratio(name: str) -> float:
        value = ratios[name].value if name in ratios else None
        return NOT_DEFINED if value is None else value

    return {
        **scores,
        "coverage": coverage.overall.ranges.coverage,
        "decile_coverage": min(decile.ranges.coverage for decile in coverage.deciles),
        "score_ratio": coverage.overall.score_ratio or NOT_DEFINED,
        "median_ratio": ratio("median"),
        "decile_ratio": study.decile_medians[study.worst_decile],
        "cod": ratio("cod"),
        "prd": ratio("prd"),
        "prb": ratio("prb"),
    }


def checks_of(figures: Scores, limits: Mapping[str, Limit]) -> list[Check]:
    """Return each figure that has a limit beside it, in the order of the config."""
    return [
        Check(name, figures[name], *_bounds(GATED[name], limit))
        for name, limit in limits.items()
        if name in figures
    ]


def check_gate(checks: Sequence[Check], *, source: str) -> None:
    """Raise :class:`GateFailed`, naming each figure that is past its limit."""
    failed = [check for check in checks if not check.passed]
    if failed:
        listed = "\n".join(f"  {c.title} is {c.shown}, must be {c.demand}" for c in failed)
        raise GateFailed(
            f"the model fails the gate for data '{source}' and was not saved:\n{listed}\n"
            "Improve the model, or change gates in the config; --force saves it all the same, "
            "marked as such.",
            checks=checks,
        )


def _bounds(gated: Gated, limit: Limit) -> tuple[float | None, float | None]:
    if isinstance(limit, tuple):
        return limit
    return (None, limit) if gated.lower_is_better else (limit, None)
