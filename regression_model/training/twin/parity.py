"""Proof that the fitted pipeline and its compiled twin give the same prices."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from regression_model.config.spec import Spec
from regression_model.errors import ParityError
from regression_model.evaluation.metrics import Prices
from regression_model.model import TOLERANCE
from regression_model.reading.encoder import Matrix
from regression_model.scorer import Scorer
from regression_model.training.difficulty import DifficultyRegressor, predict_difficulty
from regression_model.training.twin.edge_houses import edge_matrix

RELATIVE_TOLERANCE = 1e-6  # of the price, above a million dollars


@dataclass(frozen=True)
class Parity:
    """The largest difference between the twins, in dollars, and on how many rows it was sought."""

    training_rows: int
    edge_rows: int
    largest_on_training: float
    largest_on_edges: float

    @property
    def largest(self) -> float:
        return max(self.largest_on_training, self.largest_on_edges)

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def prove_parity(
    spec: Spec,
    pipeline: Pipeline,
    difficulty: DifficultyRegressor | None,
    graph: bytes,
    frame: pd.DataFrame,
) -> Parity:
    """Compare pipeline and graph on every training row and on at least 10,000 edge rows.

    Compared are the price, and the price raised by the difficulty at a half width of 1, which is
    wider than any range.

    Parameters
    ----------
    spec : Spec
        Description of the columns.
    pipeline : sklearn.pipeline.Pipeline
        The fitted pipeline.
    difficulty : DifficultyRegressor or None
        The fitted estimator of difficulty.
    graph : bytes
        What :func:`~regression_model.training.twin.compile.compile_pipeline` returned.
    frame : pandas.DataFrame
        The training sales, without prices.

    Returns
    -------
    Parity
        Number of rows, and largest differences in dollars.

    Raises
    ------
    ParityError
        If a price differs by more than a dollar (above a million: by more than 1e-6 of the price);
        the message names the worst row.
    """
    scorer = Scorer(graph, half_width=1.0)
    known = pipeline[:1].transform(frame).to_numpy(np.float32)
    edges = edge_matrix(spec, pipeline, difficulty, known, seed=spec.seed)

    def differ(matrix: Matrix, kind: str) -> float:
        expected = _expected(spec, pipeline, difficulty, matrix)
        value = scorer.score(matrix)
        largest = [
            _difference(of_pipeline, of_graph, f"{kind} row", what)
            for what, of_pipeline, of_graph in (
                ("price", expected[0], value.price),
                ("upper limit", expected[1], value.high),
            )
        ]
        return max(largest)

    return Parity(len(known), len(edges), differ(known, "training"), differ(edges, "edge"))


def _expected(
    spec: Spec, pipeline: Pipeline, difficulty: DifficultyRegressor | None, matrix: Matrix
) -> tuple[Prices, Prices]:
    """Prices by the fitted pipeline, and their upper limits at a half width of 1."""
    names = [f.name for f in spec.inputs]
    numeric = pd.DataFrame(matrix.astype(np.float64), columns=names)
    prices = np.asarray(pipeline[1:].predict(numeric))
    return prices, prices * np.exp(predict_difficulty(difficulty, pipeline, numeric))


def _difference(expected: Prices, compiled: Prices, kind: str, what: str) -> float:
    off = np.abs(compiled - expected)
    excess = off - _tolerance(expected)
    worst = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    if not excess[worst] <= 0:
        raise ParityError(
            f"the compiled graph differs from the pipeline by ${off[worst]:,.2f} on {kind} "
            f"{worst} ({what} of the pipeline ${expected[worst]:,.2f}, of the graph "
            f"${compiled[worst]:,.2f}); the converter of one of the steps is wrong. "
            "Nothing was saved."
        )
    return float(off.max())


def _tolerance(prices: Prices) -> Prices:
    return np.maximum(TOLERANCE, RELATIVE_TOLERANCE * prices)
