"""Proof that the fitted pipeline and its compiled twin give the same prices."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from regression_model.encoder import Matrix
from regression_model.errors import ParityError
from regression_model.predict import TOLERANCE
from regression_model.scorer import Scorer
from regression_model.spec import Spec
from regression_model.training.edge import edge_matrix

RELATIVE_TOLERANCE = 1e-6  # of the price, above a million dollars


@dataclass(frozen=True)
class Parity:
    """The largest difference between the twins, in dollars, and on how many rows it was sought."""

    training_rows: int
    edge_rows: int
    largest_on_training: float
    largest_on_edges: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def prove_parity(spec: Spec, pipeline: Pipeline, graph: bytes, frame: pd.DataFrame) -> Parity:
    """Compare the twins on every training row and on at least 10,000 edge rows.

    Raises :class:`ParityError` where they differ by more than a dollar (above a million: 1e-6 of
    the price), naming the worst row.
    """
    scorer = Scorer(graph, half_width=0.0)
    known = pipeline[:1].transform(frame).to_numpy(np.float32)
    edges = edge_matrix(spec, pipeline, known, seed=spec.seed)
    on_training = _difference(pipeline, scorer, known, spec, "training")
    on_edges = _difference(pipeline, scorer, edges, spec, "edge")
    return Parity(len(known), len(edges), on_training, on_edges)


def _difference(pipeline: Pipeline, scorer: Scorer, matrix: Matrix, spec: Spec, kind: str) -> float:
    names = [f.name for f in spec.inputs]
    numeric = pd.DataFrame(matrix.astype(np.float64), columns=names)
    expected = np.asarray(pipeline[1:].predict(numeric))
    compiled = scorer.score(matrix).price
    off = np.abs(compiled - expected)
    excess = off - _tolerance(expected)
    worst = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    if not excess[worst] <= 0:
        raise ParityError(
            f"the compiled graph differs from the pipeline by ${off[worst]:,.2f} on {kind} row "
            f"{worst} (pipeline ${expected[worst]:,.2f}, graph ${compiled[worst]:,.2f}); "
            "the converter of one of the steps is wrong. Nothing was saved."
        )
    return float(off.max())


def _tolerance(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(TOLERANCE, RELATIVE_TOLERANCE * prices)
