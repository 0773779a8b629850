"""Tables of the documentation that are made from code are as the code is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.docs import ROOT, TABLES, generated, regenerated, stale


def test_every_page_is_fresh() -> None:
    assert [str(page.relative_to(ROOT)) for page in stale()] == []  # else run tox -e docs


def test_every_table_stands_in_one_page() -> None:
    text = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))

    assert sorted(re.findall(r"^<!-- generated: (\S+) -->$", text, re.M)) == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_cell_for_each_name_of_its_head(name: str) -> None:
    head, *others = TABLES[name]()

    assert others
    assert {len(cells) for cells in others} == {len(head)}
    assert not [cell for cells in others for cell in cells if "|" in cell or "\n" in cell]


def test_what_is_stale_is_written_and_all_else_stays(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "guide.md"
    page.parent.mkdir()
    text = "before\n<!-- generated: statuses -->\n| an | old table |\n<!-- end -->\nafter\n"
    page.write_text(text)
    made = generated("statuses")

    ((found, new),) = stale(tmp_path).items()

    assert found == page
    assert new == f"before\n<!-- generated: statuses -->\n{made}<!-- end -->\nafter\n"
    assert regenerated(new) == new


def test_a_table_that_nobody_makes_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        regenerated("<!-- generated: nothing -->\n<!-- end -->\n")
