"""What it costs to explain a price, and how far an explanation is off.

    python -m benchmarks.explain --artifact DIR [--data houses.csv]

Explains houses (of the file, else generated ones) with the walks that the model takes, and again
with 2,000 permutations each, which count as the truth. Times are of the processor, so that a busy
machine does not matter. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model import Model, load_model
from regression_model.artifact import GRAPH
from regression_model.explaining.explain import Explainer
from regression_model.explaining.past_sales import read_past_sales
from regression_model.explaining.shapley import ROWS, contributions
from regression_model.reading.encoder import Encoder, Matrix
from regression_model.reading.tables import TableReader, frame_rows
from regression_model.reading.validation import HouseValidator
from regression_model.scorer import Scorer
from tools.measuring.markdown import table

PAIRS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--artifact", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--houses", type=int, default=40)
    arguments = parser.parse_args()
    model = load_model(arguments.artifact)
    rows = _rows(model, arguments.data, arguments.houses)
    least = [{f.name: row[f.name] for f in model.spec.features if f.required} for row in rows]
    print(f"{len(rows)} houses, about {ROWS} rows of the graph for each\n")
    complete, sparse = _figures(model, rows), _figures(model, least)
    figures = [[name, complete[name], sparse[name]] for name in complete]
    print(table(["", "complete houses", "required fields only"], figures))


def _rows(model: Model, data: Path | None, count: int) -> list[Any]:
    if data is not None:
        every = [row for chunk in TableReader(data, model.spec).chunks() for row in chunk]
        return every[:: max(len(every) // count, 1)][:count]
    from regression_model.sales.sample import generate

    return list(islice(frame_rows(generate(count, seed=3, spec=model.spec), model.spec)[0], count))


def _figures(model: Model, rows: list[Any]) -> dict[str, str]:
    asked, plain = _milliseconds(model, rows, explain=True), _milliseconds(model, rows)
    found, truth, switched = _against_truth(model, rows)
    away = np.abs(found[:, 0] - truth)
    largest, stated = away.max(axis=1), found[:, 1].max(axis=1)
    return {
        "ms a house: explanation and comparables, median": f"{statistics.median(asked):.1f}",
        "ms a house: the slowest": f"{max(asked):.1f}",
        "ms a house: the price alone": f"{statistics.median(plain):.2f}",
        "fields switched, median": f"{np.median(switched):.0f}",
        "largest contribution, median": f"${np.median(np.abs(truth).max(axis=1)):,.0f}",
        "largest error of a field, median": f"${np.median(largest):,.0f}",
        "largest error of a field, 90% of houses": f"${np.quantile(largest, 0.9):,.0f}",
        "standard_error stated, median": f"${np.median(stated):,.0f}",
        "standard_error stated, 90% of houses": f"${np.quantile(stated, 0.9):,.0f}",
        "sum of all errors / sum of all contributions": f"{away.sum() / np.abs(truth).sum():.1%}",
    }


def _milliseconds(model: Model, rows: list[Any], *, explain: bool = False) -> list[float]:
    model.predict_rows(rows, explain=explain)  # reads the sales, makes the typical houses
    times = []
    for row in rows:
        start = time.process_time()
        model.predict_rows([row], explain=explain)
        times.append(1000 * (time.process_time() - start))
    return times


def _against_truth(
    model: Model, rows: list[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Values and standard errors, values after 2,000 permutations, and inputs that differ."""
    scorer = Scorer(model.artifact.read(GRAPH))

    def score(matrix: Matrix) -> NDArray[np.float64]:
        return scorer.score(matrix).price

    explainer = Explainer(model.spec, read_past_sales(model.artifact, model.spec), score)
    houses, _ = HouseValidator(model.spec).check(rows)
    matrix, _ = Encoder(model.spec).encode([house for house in houses if house is not None])
    found, truth, switched = [], [], []
    for row in matrix:
        typical = explainer.typical(row).row
        found.append(contributions(score, row, typical))
        truth.append(contributions(score, row, typical, rows=10**9, most=PAIRS).values)
        switched.append(int((~((row == typical) | (np.isnan(row) & np.isnan(typical)))).sum()))
    return np.array(found), np.array(truth), switched


if __name__ == "__main__":
    main()
