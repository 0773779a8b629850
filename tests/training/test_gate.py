"""A model past a limit of its config is refused, by the right line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regression_model.config.spec import Limit, Spec
from regression_model.errors import GateFailed
from regression_model.evaluation.metrics import score
from regression_model.evaluation.study import Study, study
from regression_model.sales.table import Sales
from regression_model.training import fit
from regression_model.training.fit import MODEL, Trained, train
from regression_model.training.gate import (
    GATED,
    Check,
    check_gate,
    checks_of,
    gated_figures,
)
from regression_model.training.intervals import Calibration, calibrate
from regression_model.training.twin.parity import Parity

SCORES = {"rmsle": 0.12, "mae": 15000.0, "mdape": 0.07, "ppe10": 0.65, "r2": 0.9}


class TestCheck:
    def test_limit_itself_passes(self) -> None:
        limits: dict[str, Limit] = dict(SCORES)

        assert all(check.passed for check in checks_of(SCORES, limits))

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            ({"rmsle": 0.1199}, r"RMSLE is 0\.1200, must be at most 0\.1199"),
            ({"mae": 14999}, r"MAE is \$15,000, must be at most \$14,999"),
            ({"mdape": 0.06}, r"MdAPE is 7\.0%, must be at most 6\.0%"),
            ({"ppe10": 0.7}, r"PPE10 is 65\.0%, must be at least 70\.0%"),
            ({"r2": 0.95}, r"R² is 0\.900, must be at least 0\.950"),
            ({"mdape": (0.08, 0.1)}, r"MdAPE is 7\.0%, must be 8\.0% to 10\.0%"),
        ],
    )
    def test_failure_names_figure_value_limit_and_remedy(
        self, limits: dict[str, Limit], message: str
    ) -> None:
        with pytest.raises(
            GateFailed, match=rf"(?s)not saved.*{message}.*change gates in the config"
        ):
            check_gate(checks_of(SCORES, limits), source="file")

    def test_every_failed_figure_is_named_and_no_other(self) -> None:
        checks = checks_of(SCORES, {"rmsle": 0.1, "ppe10": 0.9, "r2": 0.5})

        with pytest.raises(GateFailed, match=r"(?s)RMSLE.*PPE10") as failed:
            check_gate(checks, source="file")
        assert "R²" not in str(failed.value)
        assert failed.value.checks == checks

    @pytest.mark.parametrize("limit", [0.2, (0.0, 1.0)])
    def test_figure_that_is_no_number_fails(self, limit: Limit) -> None:
        with pytest.raises(GateFailed, match="RMSLE is nan"):
            check_gate(checks_of({"rmsle": float("nan")}, {"rmsle": limit}), source="file")

    @pytest.mark.parametrize("value", [0.979, 1.031])
    def test_two_sided_limits_fail_on_both_sides(self, value: float) -> None:
        (check,) = checks_of({"prd": value}, {"prd": (0.98, 1.03)})

        assert not check.passed
        assert check.demand == "0.980 to 1.030"

    def test_what_has_no_limit_is_not_judged(self) -> None:
        assert checks_of(SCORES, {"cod": 15.0}) == []


def outcome(sales: int = 400) -> dict[str, Any]:
    rng = np.random.default_rng(4)
    actual = np.exp(rng.normal(12, 0.4, size=sales))
    predicted = actual * np.exp(rng.normal(0, 0.08, size=sales))
    spread = np.exp(0.14)
    return {
        "actual": actual,
        "predicted": predicted,
        "low": predicted / spread,
        "high": predicted * spread,
    }


def studied(found: dict[str, Any]) -> Study:
    return study(
        found["actual"], found["predicted"], low=found["low"], high=found["high"], coverage=0.9
    )


def test_figures_are_those_of_the_scores_and_the_study() -> None:
    found = outcome()
    judged = studied(found)
    figures = gated_figures(score(found["actual"], found["predicted"]), judged)

    assert set(figures) == set(GATED) - {"parity"}
    trimmed = judged.ratios.overall.trimmed or {}
    assert figures["cod"] == trimmed["cod"].value
    assert figures["decile_coverage"] <= figures["coverage"]
    assert figures["decile_ratio"] == judged.decile_medians[judged.worst_decile]


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("decile", range(10))
def test_one_decile_biased_by_a_tenth_is_refused_by_its_line(
    decile: int, factor: float, spec: Spec
) -> None:
    found = outcome(1500)
    limits = {"decile_ratio": spec.gates["file"]["decile_ratio"]}
    assert all(check.passed for check in judged(found, limits))

    biased = found["predicted"].copy()
    biased[np.argsort(biased)[decile * 150 : (decile + 1) * 150]] *= factor

    with pytest.raises(GateFailed, match="median ratio, worst price decile"):
        check_gate(judged({**found, "predicted": biased}, limits), source="file")


def judged(found: dict[str, Any], limits: dict[str, Limit]) -> list[Check]:
    scores = score(found["actual"], found["predicted"])
    return checks_of(gated_figures(scores, studied(found)), limits)


@pytest.fixture(scope="module")
def gated(spec: Spec) -> Spec:
    validation = spec.validation.model_copy(update={"folds": 2})
    members = [
        m.model_copy(update={"hyperparameters": {**m.hyperparameters, "n_estimators": 20}})
        if "n_estimators" in m.hyperparameters
        else m
        for m in spec.members
    ]
    limits = {
        "sample": {
            "rmsle": 0.25,
            "coverage": (0.85, 0.96),
            "decile_ratio": (0.9, 1.1),
            "parity": 1.0,
        }
    }
    return spec.model_copy(
        update={"validation": validation, "members": tuple(members), "gates": limits}
    )


class TestTraining:
    """Broken on purpose, trained for real."""

    def test_sound_model_passes_every_line(self, gated: Spec, sales: Sales) -> None:
        trained = train(gated, sales)

        assert [check.name for check in trained.checks] == list(gated.gates["sample"])
        assert all(check.passed for check in trained.checks)

    def test_shuffled_target_is_refused_by_accuracy(self, gated: Spec, sales: Sales) -> None:
        shuffled = np.random.default_rng(0).permutation(sales.prices)

        with pytest.raises(GateFailed, match=r"RMSLE is 0\.\d+, must be at most 0\.2500"):
            train(gated, replace(sales, prices=shuffled))

    def test_halved_ranges_are_refused_by_coverage(
        self, gated: Spec, sales: Sales, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def halved(*given: Any, **options: Any) -> Calibration:
            found = calibrate(*given, **options)
            return replace(found, half_width=found.half_width / 2)

        monkeypatch.setattr(fit, "calibrate", halved)

        with pytest.raises(GateFailed, match=r"coverage of ranges is \d+\.\d%, must be 85") as no:
            train(gated, sales)
        assert [check.name for check in no.value.checks if not check.passed] == ["coverage"]

    def test_force_goes_on_and_keeps_the_failures(self, gated: Spec, sales: Sales) -> None:
        strict = gated.model_copy(update={"gates": {"sample": {"rmsle": 0.001, "parity": 1.0}}})
        trained = train(strict, sales, force=True)

        assert [(check.name, check.passed) for check in trained.checks] == [
            ("rmsle", False),
            ("parity", True),
        ]

    def test_twins_that_differ_by_more_than_the_config_allows_are_refused(
        self, gated: Spec, sales: Sales, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fit, "prove_parity", lambda *_: Parity(1, 1, 0.02, 0.5))
        strict = gated.model_copy(update={"gates": {"sample": {"parity": 0.1}}})

        with pytest.raises(GateFailed, match=r"twins apart is \$0\.5, must be at most \$0\.1"):
            train(strict, sales)


def test_checks_of_the_bundled_config_are_kept(spec: Spec, trained: Trained) -> None:
    limits = spec.gates["sample"]

    assert [check.name for check in trained.checks] == list(limits)
    by_name = {check.name: check for check in trained.checks}
    assert by_name["rmsle"].value == trained.judgement.cross_validated[MODEL]["rmsle"]
    assert by_name["parity"] == Check("parity", trained.parity.largest, None, 1.0)
