"""What models said of sales they had not seen: what difficulty and ranges are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from regression_model.config.spec import Spec
from regression_model.sales.table import Sales
from regression_model.training.difficulty import (
    Column,
    DifficultyRegressor,
    build_difficulty,
    difficulty_features,
    hide_fields,
)

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Sales, and copies of them with fields hidden, judged by a model that had not seen them.

    All are parallel: ``features`` (what difficulty is judged by) of shape ``(n, columns)``, the
    others ``(n,)``. ``error`` is log price minus log estimate, ``sale`` the position of the sale,
    ``repeat`` and ``fold`` name the model, ``copy`` is 0 for a sale as it was recorded.
    """

    features: NDArray[np.float64]
    error: Column
    sale: Rows
    repeat: Rows
    fold: Rows
    copy: Rows

    def where(self, chosen: NDArray[np.bool_]) -> Evidence:
        """Return the entries for which ``chosen``, shape ``(n,)``, is true."""
        return Evidence(**{name: values[chosen] for name, values in vars(self).items()})


def joined(parts: Sequence[Evidence]) -> Evidence:
    """Return all entries of ``parts``, in order."""
    return Evidence(
        **{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])}
    )


def gather_evidence(
    spec: Spec, pipeline: Pipeline, sales: Sales, unseen: Rows, *, repeat: int, fold: int
) -> Evidence:
    """Judge the sales at the positions ``unseen`` by a ``pipeline`` fitted on others."""
    rng = np.random.default_rng((spec.seed, repeat, fold))
    as_given = pipeline[:1].transform(sales.frame.iloc[unseen])
    log_prices = np.log(sales.prices[unseen])
    parts = []
    for copy in range(1 + (spec.difficulty.copies if spec.difficulty is not None else 0)):
        encoded = hide_fields(spec, as_given, rng) if copy else as_given
        features = difficulty_features(pipeline, encoded)
        same = np.full_like(unseen, 0)
        parts.append(
            Evidence(
                features=features,
                error=log_prices - features[:, -1],
                sale=unseen,
                repeat=same + repeat,
                fold=same + fold,
                copy=same + copy,
            )
        )
    return joined(parts)


def learn_difficulty(spec: Spec, evidence: Evidence) -> DifficultyRegressor | None:
    """Fit what judges difficulty; None if the config asks for none.

    All copies of a sale weigh as much as the sale itself.
    """
    estimator: Any = build_difficulty(spec)
    if estimator is None or spec.difficulty is None:
        return None
    weight = np.where(evidence.copy == 0, 1.0, 1.0 / max(spec.difficulty.copies, 1))
    fitted: DifficultyRegressor = estimator.fit(
        evidence.features, np.abs(evidence.error), sample_weight=weight
    )
    return fitted


def cross_fitted_difficulty(spec: Spec, evidence: Evidence) -> Column:
    """Difficulty of each entry, judged by what was learned from the other folds of its repeat."""
    difficulty = np.ones(len(evidence.error))
    for repeat in np.unique(evidence.repeat):
        same_repeat = evidence.repeat == repeat
        for fold in np.unique(evidence.fold[same_repeat]):
            unseen = same_repeat & (evidence.fold == fold)
            estimator = learn_difficulty(spec, evidence.where(same_repeat & ~unseen))
            if estimator is not None:
                difficulty[unseen] = estimator.predict(evidence.features[unseen])
    return difficulty
