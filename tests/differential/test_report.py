"""What was found as a page and as Markdown: the verdict first, then what moved and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regression_model import InvalidInput
from regression_model.config.spec import DIFFERENTIAL_FIGURES
from regression_model.differential.compare import Difference
from regression_model.differential.limits import LIMITED, checks_of, limits_in_force
from regression_model.differential.report import (
    sections,
    write_nothing_released,
    write_report,
)
from regression_model.evaluation.tables import PAST

TITLES = [
    "Verdict",
    "What moved",
    "Biggest movers",
    "Fields",
    "Against known prices",
    "What the descriptions say",
]


@pytest.fixture(scope="module")
def difference(compared: Callable[[Path], Difference], higher_priced: Path) -> Difference:
    return compared(higher_priced)


@pytest.fixture(scope="module")
def checks(difference: Difference) -> Any:
    return checks_of(difference, limits_in_force(difference))


def test_both_kinds_of_report_have_the_same_sections(
    difference: Difference, checks: Any, tmp_path: Path
) -> None:
    for name in ("diff.html", "diff.md"):
        write_report(tmp_path / name, difference, checks)

    page, text = ((tmp_path / name).read_text("utf-8") for name in ("diff.html", "diff.md"))
    assert re.findall(r'<span class="number">\d+</span>(.*?)</h2>', page) == TITLES
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == TITLES
    for report in (page, text):
        assert "changes are past their limits." in report
        assert "the typical house +20.0%" in report
        assert f"{len(difference.log_ratio)} generated houses valued by both models." in report
    assert f"**100.0% {PAST}**" in text
    assert not re.search(r"<(script|link|iframe|img)\b|@import|url\((?!#)", page)


def test_the_page_has_two_plots_with_captions(
    difference: Difference, checks: Any, tmp_path: Path
) -> None:
    write_report(tmp_path / "diff.html", difference, checks)
    page = (tmp_path / "diff.html").read_text("utf-8")

    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)

    assert len(captions) == page.count("<figure>") == 2
    assert all(len(caption) > 100 for caption in captions)


def test_equal_models_say_so_and_can_be_drawn(
    compared: Callable[[Path], Difference], artifact: Path, tmp_path: Path
) -> None:
    same = compared(artifact)

    write_report(tmp_path / "diff.html", same, checks_of(same, limits_in_force(same)))

    page = (tmp_path / "diff.html").read_text("utf-8")
    for sentence in ("No difference", "No house moved.", "They say the same."):
        assert sentence in page
    assert ">+2%<" in page
    assert ">\N{MINUS SIGN}0%<" not in page


def test_movers_that_are_not_asked_for_are_not_denied(difference: Difference, checks: Any) -> None:
    (section,) = (
        s for s in sections(replace(difference, movers=[]), checks) if s.title == "Biggest movers"
    )

    assert [getattr(block, "text", "") for block in section.blocks] == ["None is shown."]


def test_what_was_seen_in_training_is_said(difference: Difference, checks: Any) -> None:
    studies = difference.studies
    assert studies is not None
    told = {
        (True, True): "Both models were trained on these sales",
        (True, False): "The old model was trained on these sales",
        (False, True): "The new model was trained on these sales",
    }
    for (old, new), sentence in told.items():
        seen = replace(studies, old_has_seen=old, new_has_seen=new)
        verdict = sections(replace(difference, studies=seen), checks)[0]
        assert any(sentence in getattr(block, "text", "") for block in verdict.blocks)


def test_a_first_release_gets_a_report_too(model: Any, tmp_path: Path) -> None:
    for name in ("diff.html", "diff.md"):
        write_nothing_released(tmp_path / name, model)

        assert "there is nothing to compare with" in (tmp_path / name).read_text("utf-8")


def test_another_kind_of_report_is_refused(
    difference: Difference, checks: Any, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"diff\.pdf: unknown kind of report; expected \.html"):
        write_report(tmp_path / "diff.pdf", difference, checks)


def test_every_limit_of_the_bundled_config_is_checked(
    difference: Difference, checks: Any, spec: Any
) -> None:
    assert [*spec.differential] == [*LIMITED] == [*DIFFERENTIAL_FIGURES]
    assert [check.name for check in checks] == [*LIMITED]


def test_without_prices_the_limits_of_sales_rest(difference: Difference, spec: Any) -> None:
    checks = checks_of(replace(difference, studies=None), spec.differential)

    assert {"coverage", "median_ratio", "cod", "prd", "prb"}.isdisjoint(c.name for c in checks)


def test_a_config_without_limits_is_held_to_the_bundled_ones(
    difference: Difference, variant: Callable[..., Path], spec: Any
) -> None:
    from regression_model import load_model

    without = spec.model_dump(mode="json", exclude={"differential"})
    older = load_model(variant(spec=without))

    assert older.spec.differential is None
    assert limits_in_force(replace(difference, new=older)) == spec.differential
