"""The plots of an evaluation: what to draw on an empty figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regression_model.evaluation.coverage import CoverageStudy
from regression_model.evaluation.outcomes import Estimates
from regression_model.evaluation.ratio_study import LIMITED
from regression_model.evaluation.strata import Stratum, price_deciles
from regression_model.evaluation.verdict import decile_floor
from regression_model.pages.figures import BLUE, GREEN, INK, ORANGE, QUIET, SKY, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MAX_FIELDS = 25
MAX_PLACES = 40
_CLOUD: dict[str, Any] = {"s": 9, "alpha": 0.45, "color": BLUE, "linewidths": 0, "rasterized": True}
_PERCENT = "{x:.0f}%"
_SIGMAS = 1.96  # of a normal distribution, to either side, hold 95%


def predicted_against_actual(canvas: Canvas, outcomes: Estimates) -> None:
    """Each sale by both prices, on logarithmic axes, with the lines of 0 and 20% error."""
    axes = canvas.subplots()
    ends = _ends(outcomes.actual, outcomes.predicted)
    axes.scatter(outcomes.actual, outcomes.predicted, **_CLOUD)
    axes.plot(ends, ends, color=INK, linewidth=1.2, label="prediction = price")
    for factor, label in ((0.8, "20% off"), (1.2, None)):
        axes.plot(ends, factor * ends, color=VERMILION, linewidth=1, linestyle="--", label=label)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set(xlabel="actual price", ylabel="predicted price", aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        dollar_ticks(axis, ends)
    axes.legend(loc="upper left")


def residuals(canvas: Canvas, outcomes: Estimates) -> None:
    """Price / prediction by predicted price, with its median and middle half in each tenth."""
    axes = canvas.subplots()
    ratio = outcomes.actual / outcomes.predicted
    axes.scatter(outcomes.predicted, 100 * (ratio - 1), **_CLOUD)
    axes.axhline(0, color=INK, linewidth=1.2)
    deciles = price_deciles(outcomes.predicted)
    middle = [float(np.median(outcomes.predicted[d.rows])) for d in deciles]
    parts = np.array([np.quantile(ratio[d.rows], [0.25, 0.5, 0.75]) for d in deciles])
    lower, median, upper = 100 * (parts.T - 1)
    axes.fill_between(middle, lower, upper, color=ORANGE, alpha=0.35, label="middle half", lw=0)
    axes.plot(middle, median, color=VERMILION, marker="o", label="median of each tenth")
    axes.set(xscale="log", xlabel="predicted price", ylabel="price above or below prediction")
    axes.yaxis.set_major_formatter(_PERCENT)
    dollar_ticks(axes.xaxis, _ends(outcomes.predicted))
    legend_above(axes)


def ratio_by_decile(canvas: Canvas, outcomes: Estimates) -> None:
    """Boxes of prediction / price for each tenth, before the standard's band for the median."""
    axes = canvas.subplots()
    deciles = price_deciles(outcomes.predicted)
    low, high = LIMITED["median"]
    axes.axhspan(low, high, color=GREEN, alpha=0.12, lw=0, label="limits of the median")
    axes.axhline(1, color=INK, linewidth=1)
    ratios = [outcomes.predicted[d.rows] / outcomes.actual[d.rows] for d in deciles]
    _boxes(axes, ratios, vertical=True)
    axes.set(xlabel="predicted price", ylabel="prediction / price")
    axes.set_xticks(range(1, len(deciles) + 1), _spans(outcomes, deciles))
    legend_above(axes)


def coverage_by_decile(canvas: Canvas, coverage: CoverageStudy, outcomes: Estimates) -> None:
    """Share of prices in their ranges for each tenth, beside that of ranges of one width."""
    axes = canvas.subplots()
    shares = np.array([d.ranges.coverage for d in coverage.deciles])
    chance = _binomial_interval(shares, np.array([d.sales for d in coverage.deciles]))
    floor = decile_floor(coverage.nominal)
    at = np.arange(1, len(shares) + 1)
    axes.axhline(coverage.nominal, color=INK, linewidth=1.2, label=f"{coverage.nominal:.0%} asked")
    axes.axhline(floor, color=VERMILION, linestyle="--", linewidth=1.2, label=f"{floor:.0%} least")
    axes.errorbar(
        at, shares, yerr=np.abs(chance - shares), fmt="o", capsize=3, markersize=6, label="ranges"
    )
    constant = [d.constant.coverage for d in coverage.deciles]
    axes.plot(at + 0.2, constant, "D", markersize=4, color=ORANGE, label="ranges of one width")
    lowest = min(floor, *chance[0], *constant)
    axes.set(xlabel="predicted price", ylabel="prices in their range", ylim=(lowest - 0.04, 1.01))
    axes.set_xticks(at, _spans(outcomes, price_deciles(outcomes.predicted)))
    axes.yaxis.set_major_formatter("{x:.0%}")
    legend_above(axes)


def error_by_place(canvas: Canvas, outcomes: Estimates, places: list[Stratum]) -> None:
    """Boxes of the error for each place, the least accurate place on top."""
    axes = canvas.subplots()
    largest = sorted(places, key=lambda place: -len(place.rows))[:MAX_PLACES]
    errors = {
        f"{p.name} ({len(p.rows):,})": 100 * (outcomes.predicted / outcomes.actual - 1)[p.rows]
        for p in largest
    }
    order = sorted(errors, key=lambda name: float(np.median(np.abs(errors[name]))))
    axes.axvline(0, color=INK, linewidth=1)
    _boxes(axes, [errors[name] for name in order], vertical=False)
    axes.set_yticks(range(1, len(order) + 1), order)
    axes.set(xlabel="prediction above or below price", ylim=(0.3, len(order) + 0.7))
    axes.xaxis.set_major_formatter(_PERCENT)


def field_importance(canvas: Canvas, importance: Mapping[str, float]) -> None:
    """Bars of the fields that move the price most, the first on top."""
    axes = canvas.subplots()
    chosen = list(importance.items())[:MAX_FIELDS]
    names, values = [name for name, _ in chosen], [value for _, value in chosen]
    bars = axes.barh(range(len(names)), values, color=BLUE, height=0.7)
    axes.bar_label(bars, fmt="%.1f%%", padding=3, fontsize=8, color=QUIET)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="mean change of the price", ylim=(len(names) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.grid(axis="y", visible=False)


def _boxes(axes: Any, groups: list[NDArray[np.float64]], *, vertical: bool) -> None:
    """Boxes from quartile to quartile, whiskers that hold nine tenths, points beyond them."""
    edge = {"color": BLUE, "linewidth": 1}
    axes.boxplot(
        groups,
        orientation="vertical" if vertical else "horizontal",
        whis=(5, 95),
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": SKY, "edgecolor": BLUE, "alpha": 0.7},
        medianprops={"color": INK, "linewidth": 1.6},
        whiskerprops=edge,
        capprops=edge,
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": QUIET, "alpha": 0.6},
    )
    axes.grid(axis="x" if vertical else "y", visible=False)


def legend_above(axes: Any) -> None:
    """Where no point can lie under it."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


def _binomial_interval(share: NDArray[Any], count: NDArray[Any]) -> NDArray[np.float64]:
    """95% interval of a share (E. B. Wilson, JASA 22, 1927): lower and upper ends."""
    z2 = _SIGMAS**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = _SIGMAS * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return np.array([np.minimum(centre - reach, share), np.maximum(centre + reach, share)])


def _spans(outcomes: Estimates, deciles: list[Stratum]) -> list[str]:
    parts = [outcomes.predicted[d.rows] for d in deciles]
    return [f"{_short(float(p.min()))}\nto {_short(float(p.max()))}" for p in parts]


def _ends(*prices: NDArray[np.float64]) -> NDArray[np.float64]:
    joined = np.concatenate(prices)
    return np.array([joined.min() / 1.08, joined.max() * 1.08])


def dollar_ticks(axis: Any, ends: NDArray[np.float64]) -> None:
    """Round prices at about equal distances on a logarithmic axis."""
    steps = np.outer(10.0 ** np.arange(0, 12), [1, 1.5, 2, 3, 5, 7]).ravel()
    ticks = steps[(steps >= ends[0]) & (steps <= ends[1])]
    axis.set_ticks(ticks if len(ticks) > 1 else ends)
    axis.set_major_formatter(lambda price, _: _short(price))
    axis.set_minor_formatter("")
    axis.set_tick_params(which="minor", length=0)


def _short(price: float) -> str:
    """Return a price in three digits: $950, $41k, $1.25M."""
    if price < 1000:
        return f"${price:,.0f}"
    if price < 999_500:
        return f"${price / 1000:,.0f}k"
    return f"${price / 1e6:,.3g}M"
