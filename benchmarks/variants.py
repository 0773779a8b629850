"""Smaller and larger models of the same kind, trained on synthetic sales: how cost grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from regression_model import Model, load_model
from regression_model.config.reader import bundled_config, parse_spec
from regression_model.config.spec import Spec
from regression_model.sales.table import sample_sales
from regression_model.training.fit import train
from regression_model.training.persistence import save_trained

SALES = 400  # cost does not depend on how well a model knows its houses


def train_variant(root: Path, *, trees: int | None = None, features: int | None = None) -> Model:
    """A model with so many trees, and so many of the config's inputs; default: all of them.

    Fewer folds and no learned difficulty: training is not what is measured.
    """
    text = bundled_config()
    spec = _with_trees(parse_spec(text, label="config.yml"), trees)
    if features is not None:
        spec = _with_features(spec, features)
    spec = _changed(spec, validation={**spec.validation.model_dump(), "folds": 2})
    spec = _changed(spec, difficulty=None, search=())
    with threadpool_limits(1):
        sales = sample_sales(spec, SALES)
        save_trained(root, spec, sales, train(spec, sales, force=True), config=text)
    return load_model(root)


def _with_trees(spec: Spec, trees: int | None) -> Spec:
    key = "n_estimators"
    members = tuple(
        m.model_copy(update={"hyperparameters": {**m.hyperparameters, key: trees}})
        if trees is not None and key in m.hyperparameters
        else m
        for m in spec.members
    )
    return _changed(spec, members=members)


def _with_features(spec: Spec, count: int) -> Spec:
    """The required inputs, those with a role, and others in the order of the config."""
    first = [f.name for f in spec.inputs if f.required or f.role != "plain"]
    others = [f.name for f in spec.inputs if f.name not in first]
    keep = {*(first + others)[:count], *(f.name for f in spec.features if f not in spec.inputs)}
    features = tuple(f for f in spec.features if f.name in keep)
    known = set(keep)
    derived = []
    for d in spec.derived:
        if {term.feature for term in d.terms} <= known:
            derived.append(d)
            known.add(d.name)
    return _changed(
        spec,
        features=features,
        derived=derived,
        missing_indicators=[name for name in spec.missing_indicators if name in keep],
        elapsed=[name for name in spec.elapsed if name in keep],
    )


def _changed(spec: Spec, **fields: Any) -> Spec:
    """A spec anew: a copy would keep what was derived from the old fields."""
    return Spec.model_validate({**spec.model_dump(), **fields})
