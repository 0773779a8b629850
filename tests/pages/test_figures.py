"""Plots are inline SVG: the same every time, readable as text, and at peace with their neighbours."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import matplotlib

from regression_model.pages.figures import draw


def scatter(canvas: Any) -> None:
    axes = canvas.subplots()
    axes.scatter([1, 2, 3], [3, 1, 2], label='<b> & "id"')
    axes.set_xlabel('size, id="x" ($ a foot, $)')
    axes.legend()


def ids(svg: str) -> set[str]:
    return {element.get("id", "") for element in ElementTree.fromstring(svg).iter()} - {""}  # noqa: S314


def test_a_plot_is_one_element_that_a_reader_of_screens_can_name() -> None:
    root = ElementTree.fromstring(draw(scatter, name="a", label='size & "price"'))  # noqa: S314

    assert root.tag.endswith("svg")
    assert (root.get("role"), root.get("aria-label")) == ("img", 'size & "price"')


def test_text_stays_text() -> None:
    svg = draw(scatter, name="a", label="")
    texts = {t.text for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")}  # noqa: S314

    assert {'size, id="x" ($ a foot, $)', '<b> & "id"'} <= texts


def test_the_same_data_gives_the_same_bytes() -> None:
    assert draw(scatter, name="a", label="") == draw(scatter, name="a", label="")


def test_ids_of_two_figures_never_clash_and_lead_somewhere() -> None:
    first, second = (draw(scatter, name=name, label="") for name in ("a", "b"))

    assert ids(first)
    assert ids(first) & ids(second) == set()
    for svg in (first, second):
        assert {m[1] for m in re.finditer(r'(?:href="|url\()#([^")]+)', svg)} == ids(svg)


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)

    draw(scatter, name="a", label="")

    assert dict(matplotlib.rcParams) == before
