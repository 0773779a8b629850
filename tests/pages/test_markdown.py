"""The same sections as Markdown: markup in data stays text, judgements can be seen."""

from __future__ import annotations

from regression_model.pages.blocks import Cell, Figure, Prose, Section, Svg, Table
from regression_model.pages.markdown import render_markdown


def render(*blocks: Prose | Table | Figure) -> str:
    return render_markdown(
        title="A | B", subtitle="of *all*", facts={"rows": "12"}, sections=[Section("One", blocks)]
    )


def test_headings_facts_prose_and_tables() -> None:
    table = Table(["a", "b", "c"], [["x", Cell("7", "bad"), "8"]], align="lrc", caption="Below")

    text = render(Prose("Some\n text"), table)

    assert text == (
        "# A \\| B\n\nof \\*all\\*\n\n- rows: 12\n\n## One\n\nSome text\n\n"
        "Below\n\n| a | b | c |\n| :-- | --: | :-: |\n| x | **7** | 8 |\n"
    )


def test_markup_in_data_stays_text() -> None:
    text = render(Table(["<b>"], [["a|b\n`c` [d](e) <script>"]]))

    assert "<b>" not in text.replace("\\<", "")
    assert "| a\\|b \\`c\\` \\[d\\](e) \\<script\\> |" in text


def test_figures_are_left_to_the_page() -> None:
    assert "svg" not in render(Figure(Svg("<svg></svg>"), "A caption"))
