"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_RULES = {"l": "---", "r": "---:"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a table; ``align`` has a letter, l or r, for each column (default: all l)."""
    rule = [_RULES[letter] for letter in align or "l" * len(header)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
