"""A saved model becomes a run: what was chosen, what came of it, fold by fold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from regression_model.artifact import open_artifact
from regression_model.config.spec import Spec
from regression_model.evaluation.metrics import rmsle, score
from regression_model.sales.table import Sales
from regression_model.tracking.of_artifact import params_of, run_of_artifact
from regression_model.tracking.report import write_report
from regression_model.tracking.runs import Run, defined, flattened
from regression_model.training.fit import MODEL, Trained, folds_of


@pytest.fixture(scope="module")
def recorded(artifact: Path) -> Run:
    return run_of_artifact(open_artifact(artifact))


def test_the_model_has_the_names_without_a_prefix(recorded: Run, trained: Trained) -> None:
    scores = trained.judgement.cross_validated[MODEL]

    assert {name: recorded.metrics[name] for name in scores} == scores
    assert recorded.metrics["lasso/rmsle"] > recorded.metrics["rmsle"]
    assert recorded.metrics["mean/rmsle"] > recorded.metrics["lasso/rmsle"]


def test_the_ratio_study_ranges_and_the_gate_are_metrics(recorded: Run, trained: Trained) -> None:
    trimmed = trained.judgement.study.ratios.overall.trimmed

    assert trimmed is not None
    assert recorded.metrics["ratio/cod"] == trimmed["cod"].value
    assert recorded.metrics["ratio/prd"] == trimmed["prd"].value
    assert 0.8 < recorded.metrics["range/coverage"] < 1
    assert recorded.metrics["gate_passed"] == all(check.passed for check in trained.checks)


def test_each_fold_has_the_metrics_of_the_sales_that_it_held_out(
    recorded: Run, trained: Trained, spec: Spec, sales: Sales
) -> None:
    predicted = trained.judgement.out_of_fold.predicted
    folds = [fold for _, fold in folds_of(spec, len(sales.prices), 0)]

    for child, fold in zip(recorded.children, folds, strict=True):
        assert child.metrics == score(sales.prices[fold], predicted[fold])
    errors = [rmsle(sales.prices[fold], predicted[fold]) for fold in folds]
    assert list(recorded.series["fold/rmsle"]) == errors
    # Folds of one size: the squares of their errors make up that of the whole.
    whole = np.sqrt(np.mean(np.square(errors)))
    assert whole == pytest.approx(recorded.metrics["rmsle"], rel=1e-12)


def test_every_value_of_the_config_is_a_parameter(recorded: Run, spec: Spec) -> None:
    assert recorded.params["members.trees.hyperparameters.n_estimators"] == "60"
    assert recorded.params["members.trees.hyperparameters.learning_rate"] == "0.2"
    assert recorded.params["validation.folds"] == "5"
    assert "minimum: 0.0" in recorded.params["features.LotFrontage"]
    assert {f"features.{f.name}" for f in spec.features} <= recorded.params.keys()
    assert {f"derived.{d.name}" for d in spec.derived} <= recorded.params.keys()
    assert {f"search.{s.member}.{s.name}" for s in spec.search} <= recorded.params.keys()


def test_a_changed_config_changes_the_parameter_that_was_changed(spec: Spec) -> None:
    linear = spec.members[0].model_copy(update={"weight": 7.5})
    changed = params_of(spec.model_copy(update={"members": (linear, *spec.members[1:])}))
    before = params_of(spec)

    differing = {name for name in before | changed if before.get(name) != changed.get(name)}

    assert differing == {f"members.{linear.name}.weight"}


def test_the_data_set_is_named_with_its_checksum(recorded: Run, sales: Sales, spec: Spec) -> None:
    assert recorded.data is not None
    assert recorded.data.sha256 == sales.sha256
    assert recorded.data.rows == len(sales.prices)
    columns = dict(recorded.data.columns)
    assert columns[spec.target.name] == "double"
    assert {columns[f.name] for f in spec.inputs if f.type == "text"} == {"string"}


def test_tags_say_which_model_it_is(recorded: Run, artifact: Path) -> None:
    opened = open_artifact(artifact)

    assert recorded.tags["model_version"] == opened.manifest["version"]
    assert recorded.tags["artifact_digest"] == opened.manifest["digest"]
    assert recorded.tags["data_source"] == "sample"
    assert recorded.description == (opened.folder / "MODEL_CARD.md").read_text("utf-8")


def test_the_report_is_that_of_the_cross_validation(
    artifact: Path, tmp_path: Path, trained: Trained
) -> None:
    page, plots = write_report(open_artifact(artifact), tmp_path)

    html = page.read_text("utf-8")
    assert "by a model that had not seen it" in html
    assert f"{trained.judgement.cross_validated[MODEL]['rmsle']:.4f}" in html
    assert "trained on these sales" not in html
    drawn = sorted(plots.glob("*.svg"))
    assert len(drawn) == html.count("<figure")
    for path in drawn:
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  # ours


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": {"b": 1, "c": {"d": "x"}}}, {"a.b": "1", "a.c.d": "x"}),
        ({"levels": ["A", "C (all)"]}, {"levels": '["A", "C (all)"]'}),
        ({"on": True, "none": None, "half": 0.5}, {"on": "true", "none": "null", "half": "0.5"}),
        ({}, {}),
    ],
)
def test_nested_values_are_flattened(value: Any, expected: dict[str, str]) -> None:
    assert flattened(value) == expected


def test_what_is_no_number_is_no_metric() -> None:
    values = {"a": 1, "b": None, "c": float("nan"), "d": float("inf"), "e": True}

    assert defined(values, "x/") == {"x/a": 1.0, "x/e": 1.0}
    assert json.dumps(defined(values), allow_nan=False)
