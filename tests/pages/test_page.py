"""A page stands alone, keeps markup in data harmless, and says what is in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from regression_model.pages.blocks import Cell, Figure, Prose, Section, Svg, Table
from regression_model.pages.figures import draw
from regression_model.pages.page import render_page

HOSTILE = "<script>alert('x')</script> & \"quoted\""
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quoted&#34;"
VOID = {"meta", "path", "rect", "use", "image"}


def page(*blocks: Prose | Table | Figure, title: str = "Sales") -> str:
    return render_page(
        title=title, subtitle="of a year", facts={"rows": "12"}, sections=[Section("One", blocks)]
    )


class Outline(HTMLParser):
    """Fails on a tag that is not closed in its place; collects ids and references."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href", "src", "aria-labelledby"):
                self.references.append(value or "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def two_figures() -> list[Figure]:
    return [
        Figure(draw(lambda canvas: canvas.subplots().plot([1, 2]), name=name, label="rise"), "Up")
        for name in ("first", "second")
    ]


def test_a_page_refers_to_nothing_outside_of_it() -> None:
    html = page(Prose("Text"), *two_figures())

    addresses = set(re.findall(r"\w+://[^\"'\s<>)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<(script|link|iframe|img)\b|@import|url\((?!#)", html)


def test_every_reference_of_a_page_finds_its_one_target() -> None:
    outline = Outline(page(Table(["a", "b"], [["x", "1"]]), *two_figures()))

    assert len(outline.ids) == len(set(outline.ids))
    targets = {reference.removeprefix("#") for reference in outline.references}
    assert targets <= set(outline.ids)
    assert "section-1" in targets


@pytest.mark.parametrize(
    "html",
    [
        page(title=HOSTILE),
        page(Prose(HOSTILE)),
        page(Table([HOSTILE], [["x"]])),
        page(Table(["a"], [[HOSTILE]])),
        page(Table(["a"], [[Cell(HOSTILE, "bad")]], caption=HOSTILE)),
        page(Figure(Svg("<svg></svg>"), HOSTILE)),
    ],
)
def test_markup_in_data_stays_text(html: str) -> None:
    assert "<script" not in html
    assert ESCAPED in html


def test_a_drawing_that_is_plain_text_is_escaped_too() -> None:
    html = page(Table(["a"], [[Cell(drawing="<svg onload=x>")]]))  # type: ignore[arg-type]

    assert "&lt;svg onload" in html


def test_cells_carry_their_judgement_and_their_alignment() -> None:
    html = page(Table(["a", "b", "c"], [["x", Cell("7", "bad"), "8"]], align="lrc"))

    assert '<th scope="row" class="l">x</th>' in html
    assert '<td class="r bad">7</td>' in html
    assert '<td class="c">8</td>' in html


def test_numbers_stand_right_of_a_first_column_of_names() -> None:
    assert Table(["a", "b", "c"], []).alignment == "lrr"


@pytest.mark.parametrize(
    ("rows", "align", "message"),
    [
        ([["x", "1"], ["x"]], "", "row 2 has 1 cells, the header has 2"),
        ([], "l", "align is 'l'; expected 2 letters"),
        ([], "lx", "align is 'lx'; expected 2 letters of l, r and c"),
    ],
)
def test_a_crooked_table_is_refused(rows: list[list[str]], align: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Table(["a", "b"], rows, align=align)
