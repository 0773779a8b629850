"""Small bars: each as high as its count, none lost, labels harmless."""

from __future__ import annotations

from xml.etree import ElementTree

from regression_model.pages.bars import HEIGHT, WIDTH, bars


def heights(svg: str) -> list[float]:
    return [float(e.get("height", "")) for e in ElementTree.fromstring(svg) if e.tag == "rect"]  # noqa: S314


def test_bars_are_as_high_as_their_counts_and_what_is_there_can_be_seen() -> None:
    svg = bars([("a", 1000), ("b", 500), ("c", 1), ("d", 0)], label="x")

    assert heights(svg) == [HEIGHT, HEIGHT / 2, 1, 0]


def test_many_bars_fit_and_few_are_not_stretched() -> None:
    for count in (1, 2, 24):
        svg = ElementTree.fromstring(bars([("a", 1)] * count, label="x"))  # noqa: S314
        last = list(svg)[-1]

        assert float(last.get("x", "")) + float(last.get("width", "")) <= WIDTH
        assert float(last.get("width", "")) <= 21


def test_labels_are_escaped() -> None:
    svg = bars([('<b> & "q"', 3)], label='<i> "l"')

    root = ElementTree.fromstring(svg)  # noqa: S314
    assert root.get("aria-label") == '<i> "l"'
    assert root[0][0].text == '<b> & "q": 3'


def test_nothing_is_drawn_of_nothing() -> None:
    assert heights(bars([], label="x")) == []
