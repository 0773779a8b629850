"""Plots as inline SVG: one style, the same bytes for the same data, text that stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import Any

from regression_model.errors import MissingDependency
from regression_model.pages.blocks import Svg

try:
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure as Canvas
except ImportError:
    raise MissingDependency("matplotlib", extra="report", purpose="A plot") from None

# Okabe and Ito's colours, told apart with every common colour blindness
# (Color Universal Design, 2008), those too pale for thin lines left out.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9",
)  # fmt: skip
INK, QUIET, LINE = "#1d2329", "#5b6570", "#d9dee3"

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "path.simplify": True,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}
_TAG = re.compile(r"<[^>]*>")
_ID = re.compile(r'\sid="([^"]*)"')
_NOISE = re.compile(r' transform="rotate\(-0 [^"]*"|font-family: [^;"]*;? ?')
_DIGITS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a point is finer than any screen
_REFERENCE = re.compile(r'(href="#|url\(#)([^")]*)')


def draw(
    plot: Callable[[Canvas], None], *, name: str, label: str, size: tuple[float, float] = (8, 3.6)
) -> Svg:
    """Return what ``plot`` draws on an empty figure of ``size`` inches (1 inch: 72 units).

    ``name`` is unique on the page and begins every id, ``label`` is read out where the plot
    cannot be seen. Large clouds of points should be drawn with ``rasterized=True``.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc must not change a report
        settings: Any = {**_STYLE, "svg.hashsalt": name}
        matplotlib.rcParams.update(settings)
        canvas = Canvas(figsize=size)
        plot(canvas)
        stream = StringIO()
        canvas.savefig(
            stream,
            format="svg",
            transparent=True,
            dpi=150,
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    return Svg(_inline(stream.getvalue(), name, label))


def _inline(document: str, name: str, label: str) -> str:
    """Return the ``<svg>`` element without unused ids; the other ids begin with ``name``.

    Fonts and the style of lines are the page's own, which saves half of the bytes of every label.
    """
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    tags = _TAG.findall(svg)
    used = {match[2] for tag in tags for match in _REFERENCE.finditer(tag)}
    svg = _TAG.sub(lambda tag: _in_page(tag[0], name, used), svg)
    head = f'<svg role="img" aria-label="{escape(label)}" '
    return re.sub(r"\n\s*", "\n", svg.replace("<svg ", head, 1)).strip()


def _in_page(tag: str, name: str, used: set[str]) -> str:
    tag = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", tag)
    tag = _REFERENCE.sub(lambda m: f"{m[1]}{name}-{m[2]}", tag)
    return _DIGITS.sub(r"\1", _NOISE.sub("", tag))
