"""The formulas of derived features, each declared once: what it takes, what it gives.

Everything else asks these declarations: the keys of ``config.yml``, its checks, the computation in
the pipeline and the table in docs/configuration.md. A formula that is no weighted sum also needs
its nodes of the ONNX graph, in ``training/transformers/derived.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from regression_model.config.spec import Derived

Column = NDArray[np.float64]

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}


@dataclass(frozen=True)
class Formula:
    """How columns become one.

    ``takes`` and ``gives`` describe it to people. ``fewest`` and ``most`` bound the number of its
    terms. A weighted sum has a ``sign`` for each term after the first, and its terms may have
    weights. A formula that ``compares`` has one term, a comparison and a value.
    """

    takes: str
    gives: str
    compute: Callable[[Derived, Sequence[Column]], Column]
    fewest: int = 2
    most: int | None = 2
    sign: float | None = None
    compares: bool = False

    @property
    def is_weighted_sum(self) -> bool:
        return self.sign is not None

    def accepts(self, terms: int) -> bool:
        """Tell whether the formula takes that many terms."""
        return self.fewest <= terms and (self.most is None or terms <= self.most)


def weights_of(derived: Derived) -> list[float]:
    """Return the weight of each term of a weighted sum, with its sign."""
    sign = FORMULAS[derived.formula].sign or 1.0
    first, *others = (term.weight for term in derived.terms)
    return [first, *(sign * weight for weight in others)]


def _weighted_sum(derived: Derived, columns: Sequence[Column]) -> Column:
    parts = [w * c for w, c in zip(weights_of(derived), columns, strict=True)]
    return np.asarray(np.sum(parts, axis=0))


def _product(derived: Derived, columns: Sequence[Column]) -> Column:
    return np.asarray(np.prod(columns, axis=0))


def _quotient(derived: Derived, columns: Sequence[Column]) -> Column:
    part, whole = columns
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1.0, whole))


def _flag(derived: Derived, columns: Sequence[Column]) -> Column:
    flags: Column = COMPARISONS[derived.comparison or "="](columns[0], derived.value).astype(float)
    return flags


FORMULAS = {
    "sum": Formula(
        takes="two features or more",
        gives="their weighted sum",
        compute=_weighted_sum,
        most=None,
        sign=1.0,
    ),
    "difference": Formula(
        takes="two features",
        gives="first minus second",
        compute=_weighted_sum,
        sign=-1.0,
    ),
    "product": Formula(
        takes="two features or more", gives="their product", compute=_product, most=None
    ),
    "ratio": Formula(
        takes="two features",
        gives="first by second, 0 where the second is 0",
        compute=_quotient,
    ),
    "flag": Formula(
        takes=f"`Feature > 0`, `Feature = level` ({', '.join(f'`{c}`' for c in COMPARISONS)})",
        gives="1 where true, else 0",
        compute=_flag,
        fewest=1,
        most=1,
        compares=True,
    ),
}
