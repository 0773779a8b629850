"""What a page is made of: sections of prose, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Status = Literal["", "good", "doubtful", "bad", "strong"]


class Svg(str):
    """Markup of one ``<svg>`` element, its texts escaped: the only text a page takes as it is."""

    def __html__(self) -> str:
        """Tell the template engine that this is markup already (MarkupSafe's protocol)."""
        return self


@dataclass(frozen=True)
class Cell:
    """A table's cell that is more than text: judged, emphasised, or a small drawing."""

    text: str = ""
    status: Status = ""
    drawing: Svg | None = None


@dataclass(frozen=True)
class Prose:
    """One paragraph."""

    kind: ClassVar[str] = "prose"
    text: str


@dataclass(frozen=True)
class Table:
    """Rows below a header; every row is as long as the header.

    ``align`` holds ``l``, ``r`` or ``c`` for each column; without it the first column is aligned
    left and the others, taken for numbers, right.
    """

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""
    align: str = ""

    def __post_init__(self) -> None:
        """Refuse rows and alignments of another width than the header's."""
        width = len(self.header)
        for number, row in enumerate(self.rows, 1):
            if len(row) != width:
                raise ValueError(f"row {number} has {len(row)} cells, the header has {width}")
        if self.align and (len(self.align) != width or set(self.align) - set("lrc")):
            raise ValueError(f"align is {self.align!r}; expected {width} letters of l, r and c")

    @property
    def alignment(self) -> str:
        return self.align or "l" + "r" * (len(self.header) - 1)

    @property
    def cells(self) -> list[list[Cell]]:
        return [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """A drawing and the sentence below it that says what to see."""

    kind: ClassVar[str] = "figure"
    svg: Svg
    caption: str


Block = Prose | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading, which is also in the table of contents, and what follows it."""

    title: str
    blocks: Sequence[Block]
