"""How prices answer when a field is hidden, or far beyond what training knows.

Ordinary houses seldom show that a step which fills or limits such values is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from regression_model.config.spec import Feature
from regression_model.differential.valued_model import Step, ValuedModel
from regression_model.reading.encoder import Matrix

HIDDEN, BELOW, ABOVE = "hidden", "far below its range", "far above its range"


@dataclass(frozen=True)
class Reaction:
    """Mean answer of log prices, in the old and in the new model, to a ``probe`` of a field."""

    field: str
    probe: str
    old: float
    new: float

    @property
    def change(self) -> float:
        return self.new - self.old


def reactions(old: ValuedModel, new: ValuedModel, *, step: Step) -> list[Reaction]:
    """Probe every field that both models know on the same houses; largest change first.

    A field is hidden, against its own value; and set to the lowest and highest possible value,
    against the edge of the declared range, where the answer is nothing if values are held there.
    """
    answers: dict[tuple[str, str], list[float]] = {}
    for side in (old, new):
        for column, feature in enumerate(side.model.spec.inputs):
            for probe, changed, reference in _probes(side.matrix, column, feature):
                answer = np.mean(side.log_price(changed) - side.log_price(reference))
                answers.setdefault((feature.name, probe), []).append(float(answer))
            step(feature.name)
    found = [Reaction(*key, *both) for key, both in answers.items() if len(both) == 2]
    return sorted(found, key=lambda reaction: -abs(reaction.change))


def _probes(matrix: Matrix, column: int, f: Feature) -> Iterator[tuple[str, Matrix, Matrix]]:
    if not f.required:
        yield HIDDEN, _with(matrix, column, np.nan), matrix
    if f.range is None or f.minimum is None or f.maximum is None:
        return
    ends = ((BELOW, f.minimum, f.range[0]), (ABOVE, f.maximum, f.range[1]))
    for probe, possible, known in ends:
        if possible != known:
            yield probe, _with(matrix, column, possible), _with(matrix, column, known)


def _with(matrix: Matrix, column: int, value: float) -> Matrix:
    changed = matrix.copy()
    changed[:, column] = value
    return changed
