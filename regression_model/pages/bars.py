"""A distribution small enough for a table's cell: bars, each with its label on hover."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from regression_model.pages.blocks import Svg

WIDTH, HEIGHT = 132, 30


def bars(counts: Sequence[tuple[str, int]], *, label: str) -> Svg:
    """Bars from left to right, as high as their counts; the highest fills the drawing."""
    tallest = max((count for _, count in counts), default=0) or 1
    step = min(WIDTH / max(len(counts), 1), 22)
    shapes = []
    for place, (name, count) in enumerate(counts):
        height = max(HEIGHT * count / tallest, 1 if count else 0)  # what is there can be seen
        shapes.append(
            f'<rect x="{place * step:.1f}" y="{HEIGHT - height:.1f}" width="{step - 1:.1f}" '
            f'height="{height:.1f}"><title>{escape(name)}: {count:,}</title></rect>'
        )
    return Svg(
        f'<svg role="img" aria-label="{escape(label)}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" fill="#0072B2">{"".join(shapes)}</svg>'
    )
