"""Houses at the edges: where a model and its twin would part, if they did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from regression_model.config.formulas import FORMULAS
from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Matrix
from regression_model.reading.validation import House
from regression_model.training.compiler.trees import Tree, trees_of
from regression_model.training.difficulty import DifficultyRegressor, difficulty_features

Generator = np.random.Generator


def random_houses(spec: Spec, count: int, *, seed: int) -> list[House]:
    """Houses drawn evenly from the declared levels and ranges, a tenth of the values unknown."""
    rng = np.random.default_rng(seed)
    return [
        {f.name: value for f in spec.inputs for value in [_value(f, rng)] if value is not _ABSENT}
        for _ in range(count)
    ]


_ABSENT = object()


def _value(f: Feature, rng: Generator) -> Any:
    fate = rng.random()
    if not f.required and fate < 0.1:
        return None if fate < 0.05 else _ABSENT
    if f.has_levels:
        return f.levels[rng.integers(len(f.levels))]
    low, high = f.range or (f.minimum or 0.0, f.maximum or 1.0)
    value = rng.uniform(low, high)
    return round(value) if f.type == "integer" else round(float(value), 1)


def edge_matrix(
    spec: Spec,
    pipeline: Pipeline,
    difficulty: DifficultyRegressor | None,
    known: Matrix,
    *,
    seed: int,
) -> Matrix:
    """At least 10,000 rows of inputs, shape ``(n, inputs)``, made from training rows ``known``.

    Everything unknown; each column unknown; random columns unknown; every level of every column;
    the limits of the range and of the possible; values far apart; and each threshold of each
    tree, with its two neighbours in single precision, in a row that reaches the split.
    """
    rng = np.random.default_rng(seed)
    blocks = [
        np.full((1, known.shape[1]), np.nan, np.float32),
        _some_unknown(known, rng, count=3000),
        *(_each_value(known, rng, j, _edge_values(f)) for j, f in enumerate(spec.inputs)),
        _all_random(spec, rng, count=3000),
        *_at_thresholds(spec, pipeline, difficulty, known),
    ]
    rows = np.concatenate(blocks)
    missing = 10_000 - len(rows)
    return rows if missing <= 0 else np.concatenate([rows, _all_random(spec, rng, count=missing)])


def _some_unknown(known: Matrix, rng: Generator, *, count: int) -> Matrix:
    rows = known[rng.integers(len(known), size=count)].copy()
    share = rng.uniform(0, 1, size=(count, 1))
    rows[rng.random(rows.shape) < share] = np.nan
    return rows


def _each_value(known: Matrix, rng: Generator, column: int, values: NDArray[Any]) -> Matrix:
    rows = known[rng.integers(len(known), size=len(values))].copy()
    rows[:, column] = values
    return rows


def _edge_values(f: Feature) -> NDArray[np.float32]:
    if f.has_levels:
        return np.append(np.arange(len(f.levels), dtype=np.float32), np.float32(np.nan))
    limits = [v for v in (f.minimum, f.maximum, *(f.range or ())) if v is not None]
    exact = np.array(limits, np.float32)
    return np.concatenate([_with_neighbours(exact), np.array([np.nan, 0.5], np.float32)])


def _with_neighbours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    below = np.nextafter(values, np.float32(-np.inf))
    return np.concatenate([values, below, np.nextafter(values, np.float32(np.inf))])


def _all_random(spec: Spec, rng: Generator, *, count: int) -> Matrix:
    rows = np.empty((count, len(spec.inputs)), np.float32)
    for j, f in enumerate(spec.inputs):
        if f.has_levels:
            rows[:, j] = rng.integers(len(f.levels), size=count)
            continue
        low, high = f.range or (f.minimum or 0.0, f.maximum or 1.0)
        rows[:, j] = rng.uniform(low, high, size=count)
        far = rng.random(count) < 0.02
        rows[far, j] = rng.uniform(f.minimum or low, f.maximum or high, size=int(far.sum()))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows


def _at_thresholds(
    spec: Spec, pipeline: Pipeline, difficulty: DifficultyRegressor | None, known: Matrix
) -> list[Matrix]:
    """For each split: the training row that reaches it nearest, put on it and on either side."""
    levers = _levers(spec)
    shared = pipeline[1:-1]
    members = pipeline[-1].regressor_.estimators_
    grown = [
        (trees_of(member[-1]), _View(spec, [shared, member[:-1]], known))
        for member in members
        if trees_of(member[-1])
    ]
    if difficulty is not None:
        table = pd.DataFrame(known.astype(np.float64), columns=[f.name for f in spec.inputs])
        seen = difficulty_features(pipeline, table)
        grown.append((trees_of(difficulty), _View(spec, [shared], known, seen=seen)))
    blocks = [np.empty((0, known.shape[1]), np.float32)]
    for trees, view in grown:
        moved = [levers.get(name) for name in view.names]
        blocks += [block for tree in trees for block in _around_splits(tree, view, moved)]
    return blocks


def _levers(spec: Spec) -> dict[str, int]:
    """For each numeric column a member may see, the input that moves it in a straight line."""
    levers = {f.name: j for j, f in enumerate(spec.inputs) if not f.has_levels}
    levers |= {f"{name}_elapsed": levers[name] for name in spec.elapsed}
    for derived in spec.derived:
        movable = [levers[t.feature] for t in derived.terms if t.feature in levers]
        if not FORMULAS[derived.formula].compares and movable:
            levers[derived.name] = movable[0]
    return levers


class _View:
    """The training rows as an estimator sees them, and how far an input moves what it sees.

    ``seen`` may hold columns behind those that ``steps`` prepare; they have no name, and no input
    is known to move them.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Sequence[Pipeline],
        known: Matrix,
        *,
        seen: NDArray[np.float64] | None = None,
    ) -> None:
        self._inputs = [f.name for f in spec.inputs]
        self._steps = steps
        self._slopes: dict[int, NDArray[np.float64]] = {}
        self.known = known
        prepared = self._prepare(known)
        self.seen = prepared.to_numpy(np.float64) if seen is None else seen
        unnamed = [""] * (self.seen.shape[1] - prepared.shape[1])
        self.names = [*prepared.columns, *unnamed]

    def slopes(self, lever: int) -> NDArray[np.float64]:
        """What one unit more of the input ``lever`` adds to each cell of ``seen``."""
        if lever not in self._slopes:
            moved = np.where(np.isnan(self.known), np.nan, self.known)
            up = np.nanmedian(moved[:, lever]) >= moved[:, lever]
            step = np.where(up, 1.0, -1.0)  # towards the middle, where nothing is clipped
            moved[:, lever] += step.astype(np.float32)
            after = self._prepare(moved).to_numpy(np.float64)
            change = after - self.seen[:, : after.shape[1]]
            self._slopes[lever] = np.nan_to_num(change / step[:, None])
        return self._slopes[lever]

    def shows(self, position: int, lever: int) -> bool:
        """Whether the column at ``position`` is the input ``lever`` as it was given."""
        given = self.known[:, lever]
        same = self.seen[:, position] == given
        return self.names[position] == self._inputs[lever] and bool((same | np.isnan(given)).all())

    def _prepare(self, matrix: Matrix) -> pd.DataFrame:
        table = pd.DataFrame(matrix.astype(np.float64), columns=self._inputs)
        for steps in self._steps:
            table = steps.transform(table)
        return table


def _around_splits(tree: Tree, view: _View, levers: list[int | None]) -> Iterator[Matrix]:
    everywhere = np.arange(len(view.seen))
    reaching = {0: everywhere}
    for node in map(int, np.flatnonzero(tree.left >= 0)):  # parents stand before their children
        rows = reaching[node]
        position, threshold = int(tree.feature[node]), float(tree.threshold[node])
        goes_left = view.seen[rows, position] <= threshold
        reaching[int(tree.left[node])] = rows[goes_left]
        reaching[int(tree.right[node])] = rows[~goes_left]
        lever = levers[position]
        if lever is not None:
            # Few splits are reached by none: rows were encoded out of fold while the tree grew.
            near = rows if len(rows) else everywhere
            yield from _at_threshold(view, near, position, lever, threshold)


def _at_threshold(
    view: _View, rows: NDArray[np.intp], position: int, lever: int, threshold: float
) -> Iterator[Matrix]:
    """Of ``rows``, the nearest to the threshold at ``position``, its ``lever`` moved onto it."""
    distance = threshold - view.seen[rows, position]
    if view.shows(position, lever):
        targets = np.full(len(rows), threshold)
    else:
        slopes = view.slopes(lever)[rows, position]
        straight = np.where(slopes == 0, np.nan, slopes)
        targets = view.known[rows, lever] + distance / straight
    possible = np.flatnonzero(np.isfinite(targets))
    if len(possible):
        nearest = possible[np.argmin(np.abs(distance[possible]))]
        block = np.repeat(view.known[[rows[nearest]]], 3, axis=0)
        block[:, lever] = _with_neighbours(np.array([targets[nearest]], np.float32))
        yield block
