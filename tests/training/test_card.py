"""The model card tells what the manifest holds, warnings first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from regression_model.artifact import CARD, open_artifact
from regression_model.config.spec import Spec
from regression_model.training.card import model_card


@pytest.fixture(scope="module")
def manifest(artifact: Path) -> dict[str, Any]:
    return dict(open_artifact(artifact).manifest)


def test_card_in_the_artifact_is_that_of_its_manifest(
    spec: Spec, artifact: Path, manifest: dict[str, Any]
) -> None:
    written = open_artifact(artifact).read(CARD).decode()

    assert written == model_card(spec, manifest)


def test_card_of_the_sample_says_so_first(spec: Spec, manifest: dict[str, Any]) -> None:
    card = model_card(spec, manifest)
    real = model_card(spec, {**manifest, "data": {**manifest["data"], "source": "file"}})

    assert "synthetic houses, no real sales" in card.partition("## Data")[0]
    assert "synthetic" not in real


def test_card_shows_every_check_and_a_model_saved_by_force(
    spec: Spec, manifest: dict[str, Any]
) -> None:
    checks = [{**c, "passed": False, "value": None} for c in manifest["gate"]["checks"]]
    forced = model_card(spec, {**manifest, "gate": {"passed": False, "checks": checks}})
    card = model_card(spec, manifest)

    assert "saved by force" in forced.partition("## Data")[0]
    assert "saved by force" not in card
    gate = card.partition("## Gate")[2].partition("## ")[0]
    assert gate.count("| ok |") == len(checks)
    assert forced.count("**FAIL**") == len(checks)


def test_card_names_the_five_factors_and_the_figures_behind_them(
    spec: Spec, manifest: dict[str, Any]
) -> None:
    factors = model_card(spec, manifest).partition("## The five factors")[2]

    for factor in ("confidence", "manipulation", "conflicts", "Random sample", "Nondiscrimination"):
        assert factor in factors
    assert f"{manifest['interval']['held_out_coverage']:.1%} of a hold-out" in factors


def test_locations_with_too_few_sales_are_counted_not_judged(
    spec: Spec, manifest: dict[str, Any]
) -> None:
    places = manifest["study"]["ratios"]["locations"]
    few = [place["name"] for place in places if place["trimmed"] is None]
    screen = model_card(spec, manifest).partition("## Fairness")[2].partition("## The")[0]

    assert few
    assert f"{len(few)} more location(s)" in screen
    assert not any(f"| {name} |" in screen for name in few)


def test_spec_without_locations_has_nothing_to_screen(spec: Spec, manifest: dict[str, Any]) -> None:
    features = [
        f.model_copy(update={"role": "plain"}) if f.role == "location" else f for f in spec.features
    ]
    plain = Spec.model_validate({**spec.model_dump(), "features": features})

    assert "nothing to screen by" in model_card(plain, manifest)


def test_card_needs_nothing_but_what_json_holds(spec: Spec, manifest: dict[str, Any]) -> None:
    assert model_card(spec, json.loads(json.dumps(manifest))) == model_card(spec, manifest)
