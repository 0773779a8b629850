"""The sections of a page as Markdown: prose and tables; figures are left to the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from regression_model.pages.blocks import Cell, Figure, Prose, Section, Table

_RULES = {"l": ":--", "r": "--:", "c": ":-:"}
# What Markdown, or the HTML that it may hold, would read as markup.
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def render_markdown(
    *, title: str, subtitle: str, facts: Mapping[str, str], sections: Sequence[Section]
) -> str:
    """Return the report of :func:`~regression_model.pages.page.render_page` as Markdown.

    Values that are judged bad are in bold.
    """
    parts = [f"# {_escaped(title)}", _escaped(subtitle)]
    parts.append("\n".join(f"- {_escaped(what)}: {_escaped(is_)}" for what, is_ in facts.items()))
    for section in sections:
        parts.append(f"## {_escaped(section.title)}")
        parts += [_block(block) for block in section.blocks if not isinstance(block, Figure)]
    return "\n\n".join(parts) + "\n"


def _block(block: Prose | Table) -> str:
    if isinstance(block, Prose):
        return _escaped(block.text)
    header = _row(Cell(name) for name in block.header)
    rule = f"| {' | '.join(_RULES[side] for side in block.alignment)} |"
    lines = [header, rule, *(_row(cells) for cells in block.cells)]
    return "\n".join([f"{_escaped(block.caption)}\n", *lines] if block.caption else lines)


def _row(cells: Iterable[Cell]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    return f"**{text}**" if cell.status in ("bad", "strong") and text else text


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
