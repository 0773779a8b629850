"""The plots of an exploration, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from regression_model.exploration.columns import Column
from regression_model.exploration.differences import Differences
from regression_model.exploration.measures import Values
from regression_model.exploration.relations import TargetRelation
from regression_model.exploration.table import Table
from regression_model.pages.blocks import Svg
from regression_model.pages.figures import BLUE, LINE, ORANGE, QUIET, VERMILION, draw

PANELS = 9
MAX_POINTS = 3000
MAX_LEVELS = 25
MAX_COLUMNS = 30
_WIDTH = 9.4


def price_distribution(prices: Values, title: str) -> Svg:
    """Return the prices on two scales, the logarithmic one without those that have no logarithm."""
    from matplotlib.ticker import LogLocator

    positive = prices[prices > 0]

    def plot(canvas: Any) -> None:
        plain, logarithm = canvas.subplots(1, 2, sharey=False)
        plain.hist(prices, bins=50)
        plain.set(title=title, ylabel="rows")
        plain.xaxis.set_major_formatter(thousands)
        if not len(positive):
            logarithm.set_axis_off()
            return
        logarithm.hist(positive, bins=np.geomspace(positive.min(), positive.max(), 51))
        logarithm.set(title=f"{title}, on a logarithmic scale", xscale="log")
        logarithm.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        logarithm.xaxis.set_major_formatter(thousands)
        logarithm.xaxis.set_minor_formatter("")

    return draw(plot, name="prices", label=f"Distribution of {title}", size=(_WIDTH, 2.9))


def thousands(value: float, _: int = 0) -> str:
    """Return a number as a label of an axis: 250k, 1.5M, 900."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def unknown_shares(columns: Sequence[Column]) -> Svg:
    """For each column with null or unknown values: how many of them mean "none"."""
    shown = sorted(columns, key=lambda c: c.none + c.unknown)[-MAX_COLUMNS:]
    none = np.array([c.none / c.rows for c in shown])
    unknown = np.array([c.unknown / c.rows for c in shown])

    def plot(canvas: Any) -> None:
        axes = canvas.subplots()
        names = [c.feature.name for c in shown]
        axes.barh(names, none, color=LINE, label="the house has none")
        axes.barh(names, unknown, left=none, color=VERMILION, label="unknown")
        axes.set(xlim=(0, 1), ylim=(-0.6, len(names) - 0.4))
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.legend(loc="lower right")

    height = 0.9 + 0.21 * len(shown)
    return draw(plot, name="unknown", label="Null and unknown values", size=(_WIDTH, height))


def target_panels(table: Table, relations: Sequence[TargetRelation]) -> Svg:
    """Plot the price against the columns that go with it most: points, or boxes for levels."""
    shown = list(relations[:PANELS])
    rows = -(-len(shown) // 3)

    def plot(canvas: Any) -> None:
        axes = canvas.subplots(rows, 3, sharey=True, squeeze=False)
        for place, panel in enumerate(axes.flat):
            if place < len(shown):
                _target_panel(panel, table, shown[place])
            else:
                panel.set_axis_off()
        for left in axes[:, 0]:
            left.set_ylabel(table.spec.target.name)
        canvas.get_layout_engine().set(hspace=0.08)

    names = ", ".join(r.feature.name for r in shown)
    label = f"{table.spec.target.name} against {names}"
    return draw(plot, name="target", label=label, size=(_WIDTH, 2.7 * rows))


def _target_panel(axes: Any, table: Table, relation: TargetRelation) -> None:
    feature = relation.feature
    prices = table.frame[table.spec.target.name].to_numpy(float)
    values = table.frame[feature.name].to_numpy(float)
    both = np.flatnonzero(~np.isnan(values) & ~np.isnan(prices))
    if feature.has_levels:
        _boxes(axes, [str(level) for level in feature.levels], values[both], prices[both])
    else:
        some = both[:: -(-len(both) // MAX_POINTS)]
        axes.scatter(
            values[some], prices[some], s=6, alpha=0.4, color=BLUE, linewidths=0, rasterized=True
        )
        axes.xaxis.set_major_locator(_few_ticks(values[some], whole=feature.type == "integer"))
    axes.yaxis.set_major_formatter(thousands)
    axes.set_title(feature.name)


def _few_ticks(values: Values, *, whole: bool) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, integer=whole and float(np.ptp(values)) > 1)


def _boxes(axes: Any, levels: Sequence[str], codes: Values, prices: Values) -> None:
    """Quartiles and whiskers of 1.5 interquartile ranges of each level, the cheapest first."""
    groups = [(levels[int(code)], prices[codes == code]) for code in np.unique(codes)]
    groups.sort(key=lambda group: float(np.median(group[1])))
    groups = groups[-MAX_LEVELS:]
    axes.boxplot(
        [values for _, values in groups],
        tick_labels=[name for name, _ in groups],
        widths=0.65,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": BLUE, "linewidth": 0.8},
        medianprops={"color": VERMILION, "linewidth": 1.4},
        whiskerprops={"color": QUIET, "linewidth": 0.8},
        capprops={"linewidth": 0},
    )
    axes.grid(visible=False, axis="x")
    if len(groups) > 6:
        axes.tick_params(axis="x", labelrotation=90, labelsize=6.5 if len(groups) > 12 else 7.5)


def change_panels(table: Table, differences: Differences) -> Svg:
    """Return the columns that differ most: the share of rows in each bin, of both tables."""
    shown = differences.changes[:PANELS]
    rows = -(-len(shown) // 3)

    def plot(canvas: Any) -> None:
        axes = canvas.subplots(rows, 3, squeeze=False)
        for place, panel in enumerate(axes.flat):
            if place >= len(shown):
                panel.set_axis_off()
                continue
            change = shown[place]
            counts = np.array([part.counts for part in change.bins], dtype=float)
            portions = counts / counts.sum(axis=0)
            where = np.arange(len(portions))
            panel.bar(where - 0.2, portions[:, 0], 0.4, color=BLUE, label=table.name)
            panel.bar(
                where + 0.2, portions[:, 1], 0.4, color=ORANGE, label=differences.reference.name
            )
            panel.set_title(f"{change.feature.name}  {change.stability:.3f}")
            panel.set_xticks(where, [part.label for part in change.bins])
            panel.tick_params(axis="x", labelrotation=90, labelsize=6.5)
            panel.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
            panel.grid(visible=False, axis="x")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper left", ncols=2)
        canvas.get_layout_engine().set(hspace=0.08)

    names = ", ".join(change.feature.name for change in shown)
    label = f"Shares by bin of {names} in both tables"
    return draw(plot, name="changes", label=label, size=(_WIDTH, 0.4 + 2.6 * rows))
