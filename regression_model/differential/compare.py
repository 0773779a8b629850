"""The differential test: a candidate against the model that is out, on the same houses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.differential.attribution import Attribution, Attributor, FieldMovement
from regression_model.differential.descriptions import Differing, differing
from regression_model.differential.houses import Houses
from regression_model.differential.movement import Movement, movement, movements
from regression_model.differential.reactions import Reaction, reactions
from regression_model.differential.valued_model import Reals, Step, ValuedModel, value_rows
from regression_model.errors import InvalidInput
from regression_model.evaluation.strata import by_label, price_deciles
from regression_model.evaluation.study import Study, study
from regression_model.model import Model
from regression_model.reading.tables import CHUNK_ROWS

MOVERS = 10
MAX_EXPLAINED = 100  # houses whose moves are split by field
PROBED = 50  # houses on which each field is hidden, and set beyond its range
_SEED = 5


@dataclass(frozen=True)
class Mover:
    """One of the houses that moved most: position in the table, prices in dollars, and why."""

    row: int
    id: int | None
    place: str | None
    old: float
    new: float
    why: Attribution


@dataclass(frozen=True)
class Refusal:
    """A house that one of the two models refuses, which one that is, and why."""

    row: int
    id: int | None
    by: str
    reason: str


@dataclass(frozen=True)
class Studies:
    """Both models on the houses whose prices are known."""

    old: Study
    new: Study
    old_has_seen: bool
    new_has_seen: bool


@dataclass(frozen=True)
class Difference:
    """All that a differential test found.

    ``log_ratio`` is ln(new / old) of the houses that both models value, ``mid`` the geometric mean
    of their two prices, by which deciles are formed. ``range_width`` is by what factor, less 1,
    ranges are wider in the median.
    """

    old: Model
    new: Model
    houses: Houses
    log_ratio: Reals
    mid: Reals
    overall: Movement
    deciles: Sequence[Movement]
    locations: Sequence[Movement]
    range_width: float
    movers: Sequence[Mover]
    fields: Sequence[FieldMovement]
    reactions: Sequence[Reaction]
    refusals: Sequence[Refusal]
    refused_by_both: int
    studies: Studies | None
    descriptions: Sequence[Differing]

    def as_dict(self) -> dict[str, Any]:
        """Return the same as what JSON holds, without single houses but the movers."""
        kept = ("range_width", "refused_by_both")
        lists = ("deciles", "locations", "movers", "fields", "reactions", "refusals")
        return {
            "old": self.old.info(),
            "new": self.new.info(),
            "data": {"name": self.houses.name, "houses": len(self.houses.new)},
            "overall": asdict(self.overall),
            **{name: getattr(self, name) for name in kept},
            **{name: [asdict(item) for item in getattr(self, name)] for name in lists},
            "studies": None if self.studies is None else _studies_dict(self.studies),
            "descriptions": [item._asdict() for item in self.descriptions],
        }


def steps_of(old: Model, new: Model, houses: Houses, *, movers: int = MOVERS) -> int:
    """Return how many steps comparing takes, at most."""
    fields = len(old.spec.inputs) + len(new.spec.inputs)
    return 2 * math.ceil(len(houses.new) / CHUNK_ROWS) + fields + MAX_EXPLAINED + movers


def compare(
    old: Model,
    new: Model,
    houses: Houses,
    *,
    movers: int = MOVERS,
    step: Step = lambda _: None,
) -> Difference:
    """Value ``houses`` by both models and find what moved and why.

    Raises :class:`InvalidInput` where there is no house that both models value.
    """
    sides = value_rows(old, houses.old, step=step), value_rows(new, houses.new, step=step)
    both = np.flatnonzero(~np.isnan(sides[0].price) & ~np.isnan(sides[1].price))
    if not len(both):
        reason = next((text for side in sides for text in side.reasons.values()), "")
        raise InvalidInput(
            f"{houses.name}: no house that both models value ({reason}); "
            "give other houses with --data"
        )
    before, after = sides[0].take(both), sides[1].take(both)
    log_ratio = np.log(after.price) - np.log(before.price)
    mid = np.sqrt(before.price * after.price)
    places = after.places() or before.places()
    attributor = Attributor(before, after)
    refusals, by_both = _refusals(*sides)
    return Difference(
        old=old,
        new=new,
        houses=houses,
        log_ratio=log_ratio,
        mid=mid,
        overall=movement("all houses", log_ratio),
        deciles=movements(log_ratio, price_deciles(mid)),
        locations=[] if places is None else movements(log_ratio, by_label(places)),
        range_width=_range_width(before, after),
        movers=_movers(before, after, both, places, attributor, count=movers, step=step),
        fields=attributor.field_movements(_some(len(both), MAX_EXPLAINED), step=step),
        reactions=_reactions(before, after, step),
        refusals=refusals,
        refused_by_both=by_both,
        studies=_studies(before, after, houses, both),
        descriptions=differing(old, new),
    )


def _movers(
    before: ValuedModel,
    after: ValuedModel,
    rows: NDArray[np.intp],
    places: Sequence[str] | None,
    attributor: Attributor,
    *,
    count: int,
    step: Step,
) -> list[Mover]:
    moves = np.abs(np.log(after.price) - np.log(before.price))
    found = []
    for at in np.argsort(-moves, kind="stable")[:count].tolist():
        if moves[at] == 0:
            break
        found.append(
            Mover(
                row=int(rows[at]),
                id=after.ids[at],
                place=None if places is None else places[at],
                old=float(before.price[at]),
                new=float(after.price[at]),
                why=attributor.attribute(at),
            )
        )
        step("movers")
    return found


def _some(count: int, most: int) -> NDArray[np.intp]:
    """At most ``most`` of ``count`` houses, drawn at random from a fixed seed."""
    return np.sort(np.random.default_rng(_SEED).permutation(count)[:most])


def _reactions(before: ValuedModel, after: ValuedModel, step: Step) -> list[Reaction]:
    rows = _some(len(before.price), PROBED)
    return reactions(before.take(rows), after.take(rows), step=step)


def _range_width(before: ValuedModel, after: ValuedModel) -> float:
    widths = [(side.high - side.low) / side.price for side in (before, after)]
    return float(np.expm1(np.median(np.log(widths[1] / widths[0]))))


def _refusals(old: ValuedModel, new: ValuedModel) -> tuple[list[Refusal], int]:
    """Return the houses that only one of the two refuses, and how many both do."""
    refused = [set(np.flatnonzero(np.isnan(side.price)).tolist()) for side in (old, new)]
    found = []
    for by, side, only in (
        ("old", old, refused[0] - refused[1]),
        ("new", new, refused[1] - refused[0]),
    ):
        found += [Refusal(row, side.ids[row], by, side.reasons[row]) for row in sorted(only)]
    return sorted(found, key=lambda refusal: refusal.row), len(refused[0] & refused[1])


def _studies(
    before: ValuedModel, after: ValuedModel, houses: Houses, rows: NDArray[np.intp]
) -> Studies | None:
    prices = houses.prices[rows]
    sold = np.flatnonzero(~np.isnan(prices))
    if not len(sold):
        return None
    old, new = (
        study(
            prices[sold],
            side.price[sold],
            low=side.low[sold],
            high=side.high[sold],
            coverage=side.model.spec.coverage,
        )
        for side in (before, after)
    )
    return Studies(old, new, houses.seen_by(before.model), houses.seen_by(after.model))


def _studies_dict(studies: Studies) -> dict[str, Any]:
    return {
        "old": studies.old.as_dict(),
        "new": studies.new.as_dict(),
        "old_has_seen": studies.old_has_seen,
        "new_has_seen": studies.new_has_seen,
    }
