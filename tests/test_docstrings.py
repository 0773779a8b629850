"""Public names say what they take, return and raise, and their examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from sklearn.base import BaseEstimator

import ml_api
import regression_model
from regression_model.config.reader import load_spec
from regression_model.evaluation.study import study
from regression_model.scoring import score_table
from regression_model.training import difficulty, estimators, transformers
from regression_model.training.fit import train
from regression_model.training.persistence import load_difficulty, load_pipeline, save_trained
from regression_model.training.pipeline import build_pipeline
from regression_model.training.twin.compile import compile_pipeline
from regression_model.training.twin.parity import prove_parity

PUBLIC = {name: getattr(regression_model, name) for name in regression_model.__all__}
FUNCTIONS = [value for value in PUBLIC.values() if inspect.isfunction(value)]
METHODS = [
    method
    for name, method in inspect.getmembers(regression_model.Model, inspect.isfunction)
    if not name.startswith("_")
]
ENTRY_POINTS = [
    *(ml_api.create_app, load_spec, score_table, study, train, save_trained, load_pipeline),
    *(load_difficulty, build_pipeline, compile_pipeline, prove_parity),
]
RAISES_NOTHING = {
    *("count_by_code", "origin_of", "build_pipeline", "compile_pipeline"),
    *("example", "info", "json_schema", "request_schema", "value"),
}
WITH_EXAMPLE = [
    *(regression_model.make_prediction, regression_model.validate_inputs),
    *(regression_model.load_model, regression_model.Model, regression_model.Model.predict),
    *(regression_model.Model.predict_json, regression_model.Model.example),
    *(regression_model.parse_request, regression_model.count_by_code),
    *(regression_model.copy_artifact, regression_model.origin_of, ml_api.create_app),
]


def _estimators() -> Iterator[type]:
    """Find every estimator and transformer of our own."""
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in (transformers, estimators)
        for found in pkgutil.iter_modules(package.__path__)
    ]
    for module in [*modules, difficulty]:
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, BaseEstimator) and found.__module__ == module.__name__:
                yield found


ESTIMATORS = list(_estimators())


def sections(documented: Any) -> dict[str, str]:
    """Split a docstring into its sections, by heading; the first, without one, is under ""."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.getdoc(documented) or "", flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def described(section: str) -> list[str]:
    """Return the names that a section of parameters describes, in order."""
    entries = re.findall(r"^(\S.*?)(?: : .*)?$", section, re.M)
    return [name.strip("* ,") for entry in entries for name in entry.split(", ")]


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize(
    "function", [*FUNCTIONS, *METHODS, *ENTRY_POINTS], ids=lambda f: f.__qualname__
)
def test_a_function_says_what_it_takes_returns_and_raises(function: Callable[..., Any]) -> None:
    found = sections(function)

    assert described(found.get("Parameters", "")) == parameters(function)
    assert ("Returns" in found) == (get_type_hints(function)["return"] is not type(None))
    assert ("Raises" in found) == (function.__name__ not in RAISES_NOTHING)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_an_estimator_describes_its_parameters(estimator: type) -> None:
    own = "__init__" in vars(estimator)
    names = described(sections(estimator).get("Parameters", ""))

    if own:
        assert names == parameters(estimator.__init__)  # type: ignore[misc]
    known = set(parameters(estimator))  # what is inherited is only named, and ends in "…"
    assert set(names) - {"…"} <= known
    assert names or not known


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_what_an_estimator_does_is_described(estimator: type) -> None:
    for name in ("fit", "transform", "predict"):
        method = getattr(estimator, name, None)
        if method is not None and method.__module__.startswith("regression_model"):
            assert {"Parameters", "Returns"} <= set(sections(method))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_class_describes_its_fields_and_parameters(name: str) -> None:
    public = PUBLIC[name]
    found = sections(public)

    assert found[""].strip()
    if not inspect.isclass(public):
        return
    if "__init__" in vars(public) and not issubclass(public, dict):
        assert described(found["Parameters"]) == parameters(public.__init__)
    elif fields := set(getattr(public, "__annotations__", ())):
        assert set(described(found.get("Attributes", ""))) == fields or _in_schema(public, fields)


def _in_schema(kind: type, fields: set[str]) -> bool:
    """Whether each field of a type of answers has its description in the annotation."""
    from pydantic import TypeAdapter

    described = TypeAdapter(kind).json_schema()["properties"]
    refers = {name for name, schema in described.items() if "$ref" in schema}
    return fields - refers == {name for name, s in described.items() if "description" in s} - refers


@pytest.mark.parametrize("example", WITH_EXAMPLE, ids=lambda e: e.__qualname__)
def test_an_example_runs(
    example: Any, artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    monkeypatch.chdir(tmp_path)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=options)
    name = example.__qualname__
    finder = doctest.DocTestFinder(recurse=False)

    (found,) = finder.find(example, name, globs={})
    told: list[str] = []
    result = runner.run(found, out=told.append)

    assert result.attempted > 0
    assert result.failed == 0, "".join(told)
