"""The model that MLflow loads: this file is stored with it, and run where it is loaded.

Nothing is unpickled; prices come from the compiled graph of the artifact, by the installed package.
"""

from __future__ import annotations

import json
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model
from pandas import DataFrame

from regression_model import load_model
from regression_model.answer import TEXTS, columns_of


class HousePrices(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not there to ask
    """One row for each house: price, range, and in words why there is none or what to doubt."""

    def load_context(self, context: Any) -> None:
        self._model = load_model(context.artifacts["artifact"])

    # MLflow would take a type of the input for a schema.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        explain = bool((params or {}).get("explain"))
        result: Any = self._model.predict(model_input, explain=explain)
        table = DataFrame(columns_of(result), dtype=float)
        for column in TEXTS:
            table[column.name] = _by_row(result[column.name], len(table))
        if explain:
            table["explanation"] = [json.dumps(one) for one in result["explanations"]]
        return table


def _by_row(issues: Any, rows: int) -> list[str]:
    said: list[list[str]] = [[] for _ in range(rows)]
    for issue in issues:
        said[issue["row"]].append(issue["message"])
    return ["; ".join(messages) for messages in said]


set_model(HousePrices())
