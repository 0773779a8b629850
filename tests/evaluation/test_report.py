"""An evaluated model as a page: verdict first, every plot with a caption, nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from regression_model import load_model
from regression_model.config.spec import Spec
from regression_model.evaluation.evaluate import evaluate, model_importance, steps_of
from regression_model.evaluation.report import render_report
from regression_model.sales.table import sample_sales
from regression_model.training.persistence import save_trained


@pytest.fixture(scope="module")
def others(spec: Any) -> Any:
    """Sales that the model was not trained on."""
    return sample_sales(spec.model_copy(update={"seed": 5}), 300)


@pytest.fixture(scope="module")
def page(model: Any, others: Any) -> str:
    return render_report(model, others, evaluate(model, others), model_importance(model, others))


@pytest.fixture(scope="module")
def placeless(
    spec: Any, sales: Any, trained: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any]:
    """The model and its sales under a spec that knows neither location nor identifier."""
    features = [
        f.model_copy(update={"role": "plain"}) if f.role == "location" else f
        for f in spec.features
        if f.role != "identifier"
    ]
    plain = Spec.model_validate({**spec.model_dump(), "features": features})
    assert plain.location is plain.identifier is None
    root: Path = tmp_path_factory.mktemp("placeless")
    save_trained(root, plain, sales, trained, config="")
    return load_model(root), sample_sales(plain, 300)


def sections(html: str) -> list[str]:
    return re.findall(r'<h2 id="title-\d+"><span class="number">\d+</span>(.*?)</h2>', html)


def test_the_page_begins_with_the_verdict_in_plain_words(page: str) -> None:
    assert sections(page)[0] == "Verdict"
    first = page[: page.index('id="section-2"')]
    assert "Half of the predictions are within" in first
    assert re.search(r"of 9 checks are past their limits|All 9 checks", first)


def test_every_plot_has_a_caption_that_says_how_to_read_it(page: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    captions = [re.findall(r"<figcaption>(.*?)</figcaption>", f, re.DOTALL) for f in figures]

    assert len(figures) == 6
    assert all(len(caption) == 1 and len(caption[0]) > 100 for caption in captions)
    labels = " ".join(re.findall(r'aria-label="(.*?)"', page))
    for subject in ("actual price", "Error", "Ratio", "Share of prices", "location", "Fields"):
        assert subject in labels, subject


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    assert not re.search(r"<(script|link|iframe|img)\b|@import|url\((?!#)", page)
    assert set(re.findall(r"\w+://[^\"'\s<>)]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_same_sales_give_the_same_page(model: Any, others: Any, page: str) -> None:
    again = render_report(model, others, evaluate(model, others), model_importance(model, others))

    assert again == page


def test_the_page_says_what_the_model_has_seen_before(model: Any, sales: Any, page: str) -> None:
    seen = evaluate(model, sales)
    warned = render_report(model, sales, seen, {"x": 1.0})

    assert seen.seen
    assert "trained on these sales" in warned
    assert "trained on these sales" not in page
    assert "trained on synthetic sales" in page


def test_every_location_is_in_the_page(page: str, others: Any, model: Any) -> None:
    for name in set(others.frame[model.spec.location.name]):
        assert f">{name}</th>" in page


def test_a_model_without_locations_and_identifier_is_judged_too(placeless: Any) -> None:
    model, sales = placeless

    evaluation = evaluate(model, sales)

    assert evaluation.locations is None
    assert evaluation.study.ratios.locations == []
    assert "Locations" not in sections(render_report(model, sales, evaluation, {"x": 1.0}))


@pytest.mark.parametrize("count", [1, 2, 29])
def test_a_handful_of_sales_makes_a_page(model: Any, spec: Any, count: int) -> None:
    few = sample_sales(spec, count)

    html = render_report(model, few, evaluate(model, few), model_importance(model, few))

    assert "too few to judge" in html


def test_progress_reaches_its_end_and_not_beyond(model: Any, others: Any) -> None:
    told: list[str] = []

    evaluate(model, others, step=told.append)
    model_importance(model, others, step=told.append)

    assert len(told) <= steps_of(model, others, with_importance=True)
    assert len(told) > 0.8 * steps_of(model, others, with_importance=True)
