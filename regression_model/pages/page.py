"""One HTML page from sections, without a reference to anything outside of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from regression_model.errors import MissingDependency
from regression_model.pages.blocks import Section

try:
    from jinja2 import Environment, StrictUndefined, Template
except ImportError:
    raise MissingDependency("jinja2", extra="report", purpose="A page") from None


def render_page(
    *, title: str, subtitle: str, facts: Mapping[str, str], sections: Sequence[Section]
) -> str:
    """Return the page's HTML; every text is escaped.

    ``facts`` (what → value) stand below the title: data, rows, date. Sections are numbered and
    listed in a table of contents.
    """
    return _template().render(title=title, subtitle=subtitle, facts=facts, sections=sections)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    text = resources.files("regression_model.pages").joinpath("page.html").read_text("utf-8")
    return environment.from_string(text)
