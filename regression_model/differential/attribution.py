"""Which fields move a price: the contributions that two models give to each field of a house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from regression_model.differential.valued_model import Reals, Step, ValuedModel
from regression_model.explaining.shapley import contributions
from regression_model.reading.encoder import Matrix


@dataclass(frozen=True)
class FieldChange:
    """What a field adds to the logarithm of a price in the old model and in the new one."""

    field: str
    old: float
    new: float

    @property
    def change(self) -> float:
        return self.new - self.old


@dataclass(frozen=True)
class Attribution:
    """The move of a house's log price: that of the typical house, and that of each field.

    ``level`` and the changes of the fields sum to ln(new / old). Largest change first.
    """

    level: float
    fields: Sequence[FieldChange]


@dataclass(frozen=True)
class FieldMovement:
    """Mean absolute contribution of a field in each model, and of its change; logarithms."""

    field: str
    old: float
    new: float
    change: float


class Attributor:
    """Splits moves by field, counted from one typical house in both models.

    Both are walked through the same permutations of the fields of either, so that the chance in
    sampled Shapley values cancels where the models agree.
    """

    def __init__(self, old: ValuedModel, new: ValuedModel) -> None:
        self._sides = (old, new)
        self._fields = list(dict.fromkeys([*new.fields, *old.fields]))
        self._columns = [[self._fields.index(name) for name in s.fields] for s in self._sides]
        self._typical = [side.typical() for side in self._sides]
        start, end = (
            s.log_price(t[None])[0] for s, t in zip(self._sides, self._typical, strict=True)
        )
        self._level = float(end - start)

    def attribute(self, row: int) -> Attribution:
        """Split the move of the house at ``row``; takes some 20 ms."""
        old, new = self._contributions(row)
        order = np.argsort(-np.abs(new - old), kind="stable")
        changes = [FieldChange(self._fields[j], float(old[j]), float(new[j])) for j in order]
        return Attribution(self._level, changes)

    def field_movements(self, rows: NDArray[np.intp], *, step: Step) -> list[FieldMovement]:
        """Return what moves the houses at ``rows`` on average, largest change first."""
        pairs = []
        for row in rows:
            pairs.append(self._contributions(int(row)))
            step("contributions")
        both = np.array(pairs)  # houses, models, fields
        old, new = np.abs(both).mean(axis=0)
        change = np.abs(both[:, 1] - both[:, 0]).mean(axis=0)
        return [
            FieldMovement(self._fields[j], float(old[j]), float(new[j]), float(change[j]))
            for j in np.argsort(-change, kind="stable")
        ]

    def _contributions(self, row: int) -> tuple[Reals, Reals]:
        """Return what each field adds to the log price of a house, in both models."""
        switches = np.zeros(len(self._fields), np.float32)
        for side, columns, typical in zip(self._sides, self._columns, self._typical, strict=True):
            house = side.matrix[row]
            alike = (house == typical) | (np.isnan(house) & np.isnan(typical))
            switches[np.array(columns)[~alike]] = 1
        old, new = (
            contributions(partial(self._switched, at, row), switches, np.zeros_like(switches))
            for at in (0, 1)
        )
        return old.values, new.values

    def _switched(self, at: int, row: int, switches: Matrix) -> Reals:
        """Log prices of a house that has its own value where a switch is on, else the typical."""
        side, on = self._sides[at], switches[:, self._columns[at]] > 0
        return side.log_price(np.where(on, side.matrix[row], self._typical[at]))
