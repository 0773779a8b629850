"""What a candidate may change at most, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regression_model.differential.movement import farthest
from regression_model.differential.reactions import HIDDEN
from regression_model.evaluation.ratio_study import STATISTICS

if TYPE_CHECKING:
    from regression_model.differential.compare import Difference, Studies
    from regression_model.evaluation.study import Study

_MAX_NAMED = 4
_MIN_SHOWN = 0.00005  # what is smaller is shown as 0.00%, and nothing is responsible for it
_NEAR = 0.25  # of the largest change, what else is named


class Figure(NamedTuple):
    """What was measured, and where it is largest: a tenth, a field, a house."""

    value: float
    where: str = ""


class Limited(NamedTuple):
    """A figure that a limit of the config may hold down: title, form, and how it is measured."""

    title: str
    form: str
    measure: Callable[[Difference], Figure | None]


@dataclass(frozen=True)
class Check:
    """A figure beside its limit, which is inclusive; ``where`` names what is responsible."""

    name: str
    value: float
    limit: float
    where: str

    @property
    def passed(self) -> bool:
        return self.value <= self.limit  # NaN fails

    @property
    def title(self) -> str:
        return LIMITED[self.name].title

    @property
    def shown(self) -> str:
        """Return the value as people read it."""
        return LIMITED[self.name].form.format(self.value)

    @property
    def demand(self) -> str:
        """Return the limit as people read it."""
        return f"at most {LIMITED[self.name].form.format(self.limit)}"

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "passed": self.passed}


def checks_of(difference: Difference, limits: Mapping[str, float]) -> list[Check]:
    """Return each figure that has a limit and can be measured here, always in the same order."""
    found = {name: LIMITED[name].measure(difference) for name in LIMITED if name in limits}
    return [Check(n, f.value, limits[n], f.where) for n, f in found.items() if f is not None]


def _decile_shift(difference: Difference) -> Figure:
    worst = farthest(difference.deciles)
    where = f"prices of {worst.name}" if abs(worst.shift) >= _MIN_SHOWN else ""
    return Figure(_size(np.log1p(worst.shift)), where)


def _contribution(difference: Difference) -> Figure:
    return Figure(_size(difference.fields[0].change), leading_fields(difference))


def _reaction(*, hidden: bool) -> Callable[[Difference], Figure | None]:
    def measure(difference: Difference) -> Figure | None:
        found = [r for r in difference.reactions if (r.probe == HIDDEN) is hidden]
        if not found:
            return None
        named = _named([(f"{r.field} {r.probe}", abs(r.change)) for r in found])
        return Figure(_size(found[0].change), named)

    return measure


def leading_fields(difference: Difference) -> str:
    """Return the fields whose contributions changed most, as text; empty if none did."""
    return _named([(field.field, field.change) for field in difference.fields])


def _named(changes: Sequence[tuple[str, float]]) -> str:
    """Return the first names, while their changes are close to the largest, which is the first."""
    least = max(changes[0][1] * _NEAR, _MIN_SHOWN)
    return ", ".join(name for name, change in changes[:_MAX_NAMED] if change >= least)


def _refused(difference: Difference) -> Figure:
    refusals = difference.refusals
    first = (
        f"row {refusals[0].row}, {refusals[0].by} model: {refusals[0].reason}" if refusals else ""
    )
    return Figure(len(refusals) / len(difference.houses.new), first)


def _of_sales(title: str, form: str, figure: Callable[[Study], float | None]) -> Limited:
    """Return the absolute change of a figure of labelled sales, or None."""

    def measure(difference: Difference) -> Figure | None:
        studies: Studies | None = difference.studies
        old, new = (None, None) if studies is None else map(figure, (studies.old, studies.new))
        if old is None or new is None:
            return None
        return Figure(abs(new - old), f"from {form.format(old)} to {form.format(new)}")

    return Limited(f"change of the {title}", form.replace("+", ""), measure)


def _ratio(name: str) -> Limited:
    def figure(study: Study) -> float | None:
        trimmed = study.ratios.overall.trimmed
        return None if trimmed is None else trimmed[name].value

    return _of_sales(STATISTICS[name].title, STATISTICS[name].form, figure)


def _size(log_change: float) -> float:
    """Return the size of a change of the log price as a share."""
    return float(np.expm1(abs(log_change)))


def _overall(name: str) -> Callable[[Difference], Figure | None]:
    return lambda difference: Figure(getattr(difference.overall, name))


_PERCENT, _FINE_PERCENT = "{:.1%}", "{:.2%}"


LIMITED: dict[str, Limited] = {
    "moved_5": Limited("houses moved by more than 5%", _PERCENT, _overall("moved_5")),
    "moved_10": Limited("houses moved by more than 10%", _PERCENT, _overall("moved_10")),
    "median_move": Limited("median move", _FINE_PERCENT, _overall("median_move")),
    "decile_shift": Limited("shift of the worst price decile", _FINE_PERCENT, _decile_shift),
    "contribution": Limited("contribution of a field", _FINE_PERCENT, _contribution),
    "hidden": Limited("answer to a hidden field", _FINE_PERCENT, _reaction(hidden=True)),
    "beyond": Limited("answer beyond a field's range", _FINE_PERCENT, _reaction(hidden=False)),
    "refused": Limited("houses that one model refuses", _FINE_PERCENT, _refused),
    "range_width": Limited(
        "width of the ranges", _PERCENT, lambda d: Figure(_size(np.log1p(d.range_width)))
    ),
    "coverage": _of_sales("coverage", _PERCENT, lambda s: s.coverage.overall.ranges.coverage),
    "median_ratio": _ratio("median"),
    "cod": _ratio("cod"),
    "prd": _ratio("prd"),
    "prb": _ratio("prb"),
}


def limits_in_force(difference: Difference) -> dict[str, float]:
    """Return the limits of the new model's config; the bundled config's where that one has none."""
    limits = difference.new.spec.differential
    if limits is None:
        from regression_model.config.reader import load_spec

        limits = load_spec().differential
    return dict(limits or {})
