"""The plots of a differential test: what to draw on an empty figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regression_model.differential.compare import Difference
from regression_model.evaluation.plots import dollar_ticks, legend_above
from regression_model.evaluation.strata import price_deciles
from regression_model.pages.blocks import Figure
from regression_model.pages.figures import BLUE, INK, ORANGE, VERMILION, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_PERCENT = "{x:+.0f}%"
_BINS = 60
_MIN_PERCENT = 5.0  # percent up and down at the least: ticks of smaller moves would all read 0%


def distribution(canvas: Canvas, difference: Difference) -> None:
    """How many houses moved how far, with the lines of 5 and 10%; far ones counted at the ends."""
    axes = canvas.subplots()
    changes = 100 * np.expm1(difference.log_ratio)
    reach = max(12.0, float(np.quantile(np.abs(changes), 0.99)))
    axes.hist(np.clip(changes, -reach, reach), bins=_BINS, range=(-reach, reach), color=BLUE)
    for share, style in ((0.05, ":"), (0.10, "--")):
        for edge in (100 * share, 100 * (1 / (1 + share) - 1)):
            label = f"{share:.0%} moved" if edge > 0 else None
            axes.axvline(edge, color=VERMILION, linestyle=style, linewidth=1.2, label=label)
    axes.set(xlabel="new price above or below old price", ylabel="houses")
    axes.xaxis.set_major_formatter(_PERCENT)
    legend_above(axes)


def by_price(canvas: Canvas, difference: Difference) -> None:
    """The move of each house by its price, with median and middle 90% of each tenth."""
    axes = canvas.subplots()
    changes = 100 * np.expm1(difference.log_ratio)
    axes.scatter(
        difference.mid, changes, s=9, alpha=0.45, color=BLUE, linewidths=0, rasterized=True
    )
    axes.axhline(0, color=INK, linewidth=1.2)
    deciles = price_deciles(difference.mid)
    middle = [float(np.median(difference.mid[d.rows])) for d in deciles]
    parts = np.array([np.quantile(changes[d.rows], [0.05, 0.5, 0.95]) for d in deciles])
    low, median, high = parts.T
    axes.fill_between(middle, low, high, color=ORANGE, alpha=0.35, label="nine tenths", lw=0)
    axes.plot(middle, median, color=VERMILION, marker="o", label="median of each tenth")
    axes.set(xscale="log", xlabel="price", ylabel="new price above or below old")
    low_end, high_end = axes.get_ylim()
    axes.set_ylim(min(low_end, -_MIN_PERCENT), max(high_end, _MIN_PERCENT))
    axes.yaxis.set_major_formatter(_PERCENT)
    dollar_ticks(axes.xaxis, np.array([difference.mid.min() / 1.08, difference.mid.max() * 1.08]))
    legend_above(axes)


def figures(difference: Difference) -> list[Figure]:
    """Return both plots, each with the sentence that says what to see."""
    spread = draw(
        lambda canvas: distribution(canvas, difference),
        name="moves",
        label="How many houses moved how far",
    )
    prices = draw(
        lambda canvas: by_price(canvas, difference),
        name="prices",
        label="Move of each house by its price",
    )
    return [
        Figure(
            spread,
            "How many houses the new model values how far above or below the old one. A narrow "
            "peak at zero is a model that was trained again; a second peak, or one beside zero, is "
            "a change that touches many houses. What lies too far out is counted at the ends.",
        ),
        Figure(
            prices,
            "Each point is a house; the band holds nine tenths of the moves in each tenth of the "
            "prices. The red line should stay at zero: if it climbs or falls, cheap and expensive "
            "houses are treated differently than before.",
        ),
    ]
