"""Ensembles of small trees, evaluated for many rows at once by operations on bits.

Each comparison of the ensemble becomes a plane of bits, one bit a row, and equal comparisons share
one. A tree's outcome at each depth is then a choice between planes by the planes above, eight rows
to the byte and without a branch. The bits of all depths are the number of the leaf. The idea of
trees as bit vectors is QuickScorer's (Lucchese et al., SIGIR 2015), turned from leaves to rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_GROUP = 32  # trees, an even number

Vector = NDArray[np.float64]
Bits = NDArray[np.uint8]


class Forest(NamedTuple):
    """Complete binary trees of one depth; shapes ``(trees, 2**depth - 1)`` and the leaves' sums.

    Node i has the children 2i+1 and 2i+2, the second where ``x[feature] <= threshold``. A feature
    of -1 marks a node that repeats a leaf above it: both sides are worth the same.
    """

    feature: NDArray[np.intp]
    threshold: Vector
    leaf: Vector  # (trees, 2**depth)

    @property
    def depth(self) -> int:
        return int(self.leaf.shape[1]).bit_length() - 1


class _Comparisons(NamedTuple):
    """All thresholds of one feature, and where their planes begin."""

    feature: int
    first: int
    exact: Vector
    single: NDArray[np.float32]


class ForestEvaluator:
    """Sums the trees of a :class:`Forest` for each row; thread-safe."""

    def __init__(self, forest: Forest) -> None:
        even = _with_even_count(forest)
        self._depth = even.depth
        self._comparisons, self._plane, self._planes = _shared_comparisons(even)
        pairs = even.leaf[0::2, :, None] + even.leaf[1::2, None, :]
        self._pairs = pairs.reshape(len(pairs), -1)

    def sums(self, columns: Vector) -> Vector:
        """The sum over all trees, shape ``(n,)``, for ``columns`` of shape ``(features, n)``.

        Some ten thousand rows at a time are best: the planes then fit into a cache.
        """
        rows = columns.shape[1]
        planes = self._compared(columns)
        total = np.zeros(rows)
        for start in range(0, len(self._plane), _GROUP):
            leaves = self._leaves(planes, self._plane[start : start + _GROUP], rows)
            number = leaves[0::2].astype(np.intp)
            number <<= self._depth
            number += leaves[1::2]
            for pair, chosen in enumerate(number, start // 2):
                total += self._pairs[pair].take(chosen)
        return total

    def _compared(self, columns: Vector) -> Bits:
        """A plane for each comparison, and one of zeros at the end."""
        planes = np.zeros((self._planes + 1, -(-columns.shape[1] // 8)), np.uint8)
        for feature, first, exact, single in self._comparisons:
            values = columns[feature]
            rounded = values.astype(np.float32)
            same = ((rounded == values) | np.isnan(values)).all()
            lower = rounded <= single[:, None] if same else values <= exact[:, None]
            planes[first : first + len(exact)] = np.packbits(lower, axis=-1)
        return planes

    def _leaves(self, planes: Bits, nodes: NDArray[np.intp], rows: int) -> Bits:
        """The number of the leaf each row falls into, shape ``(trees, rows)``."""
        sides = np.empty((len(nodes), self._depth, planes.shape[1]), np.uint8)
        for depth in range(self._depth):
            open_ = planes[nodes[:, 2**depth - 1 : 2 ** (depth + 1) - 1]]
            for above in range(depth):
                half = open_.shape[1] // 2
                differ = open_[:, :half] ^ open_[:, half:]
                differ &= sides[:, above, None]
                differ ^= open_[:, :half]
                open_ = differ
            sides[:, depth] = open_[:, 0]
        bits = np.unpackbits(sides, axis=-1, count=rows)
        leaf = bits[:, 0]
        for depth in range(1, self._depth):
            leaf = np.left_shift(leaf, 1, dtype=np.uint8)
            leaf |= bits[:, depth]
        return leaf


def _with_even_count(forest: Forest) -> Forest:
    if len(forest.leaf) % 2 == 0:
        return forest
    feature, threshold, leaf = (np.zeros((1, part.shape[1])) for part in forest)
    return Forest(
        np.vstack([forest.feature, feature.astype(np.intp) - 1]),
        np.vstack([forest.threshold, threshold]),
        np.vstack([forest.leaf, leaf]),
    )


def _shared_comparisons(forest: Forest) -> tuple[list[_Comparisons], NDArray[np.intp], int]:
    """Each feature's thresholds once, the plane each node reads, and the number of planes."""
    real = forest.feature >= 0
    pairs = np.column_stack([forest.feature[real], forest.threshold[real]])
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    plane = np.full(forest.feature.shape, len(distinct), np.intp)
    plane[real] = place.reshape(-1)
    return list(_by_feature(distinct)), plane, len(distinct)


def _by_feature(distinct: Vector) -> Iterator[_Comparisons]:
    features, first = np.unique(distinct[:, 0], return_index=True)
    for feature, thresholds, start in zip(
        features, np.split(distinct[:, 1], first[1:]), first, strict=True
    ):
        yield _Comparisons(int(feature), int(start), thresholds, _not_above(thresholds))


def _not_above(thresholds: Vector) -> NDArray[np.float32]:
    """The largest single-precision numbers that are not above ``thresholds``.

    A number in single precision is at most the one just when it is at most the other.
    """
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
