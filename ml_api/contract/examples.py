"""Requests to show, made of a house that the model knows, with the answers it gives them."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic_core import to_json

from ml_api.errors import NoRowPriced, ProblemDetails, problem_details
from regression_model import ArtifactError, Model, Prediction

REQUEST_ID = "a9ff49e2d45d44a2b0e4981a880e2b98"


class Example(NamedTuple):
    """A request for prices, and its answer or why it has none."""

    name: str
    summary: str
    request: Any
    answer: Prediction | None
    problem: ProblemDetails | None = None


def examples(model: Model) -> list[Example]:
    """Return the simplest request first."""
    complete = model.example()
    required = [f for f in model.spec.features if f.required]
    least = {f.name: complete[f.name] for f in required}
    spoiled = {f.name: f.minimum - 1 for f in required if f.minimum is not None}
    shown = [
        ("least", "One house with few known fields", least),
        ("complete", "One house with all fields known", complete),
        ("spoiled", "Two houses, one of them impossible", [least, {**least, **spoiled}]),
        ("explained", "A price and its reasons", {"inputs": [least], "explain": True}),
        ("refused", "No house with a price", [{}]),
    ]
    found = (_example(model, *what) for what in shown)
    return [example for example in found if example is not None]


def _example(model: Model, name: str, summary: str, request: Any) -> Example | None:
    try:
        answer = model.predict_json(to_json(request))
    except ArtifactError:  # it gives prices, and cannot explain them
        return None
    if any(price is not None for price in answer["predictions"]):
        return Example(name, summary, request, answer)
    refusal = NoRowPriced(answer)
    problem = problem_details(refusal, refusal, request_id=REQUEST_ID)
    return Example(name, summary, request, None, problem)
