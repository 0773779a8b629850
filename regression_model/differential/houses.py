"""The houses that two models are compared on, as each of them reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regression_model.errors import InvalidInput
from regression_model.model import Model
from regression_model.reading.tables import TableReader, frame_rows
from regression_model.sales.table import SAMPLE, check_prices

GENERATED = 1460
SEED = 1460  # of the generated houses; no model is trained on these


@dataclass(frozen=True)
class Houses:
    """The same houses for the old and the new model, row by row.

    ``prices`` are the dollars they sold for, NaN where that is not known; ``sha256`` is that of
    the file, None for generated houses.
    """

    old: Sequence[Any]
    new: Sequence[Any]
    prices: NDArray[np.float64]
    name: str
    sha256: str | None
    notices: Sequence[str]

    def seen_by(self, model: Model) -> bool:
        """Return whether ``model`` was trained on this very file."""
        return bool(model.artifact.manifest["data"]["sha256"] == self.sha256)

    def counted(self, number: int) -> str:
        """Format the number and kind of these houses as text."""
        return f"{number:,} {self.name if self.sha256 is None else f'houses of {self.name}'}"


def read_houses(path: Path, old: Model, new: Model) -> Houses:
    """Read a table by the rules of each model, with prices where the new one's target is there.

    Raises :class:`InvalidInput` where the table cannot be read or is empty.
    """
    readers = [TableReader(path, model.spec, keep_target=True) for model in (old, new)]
    for_old, for_new = ([row for rows in reader.chunks() for row in rows] for reader in readers)
    if not for_new:
        raise InvalidInput(f"{path.name} has no rows; give at least one house")
    prices, notices = _prices(for_new, new)
    notices += [caveat["message"] for caveat in readers[1].caveats]
    return Houses(
        old=_without_target(for_old, old),
        new=_without_target(for_new, new),
        prices=prices,
        name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        notices=notices,
    )


def generated_houses(old: Model, new: Model, *, count: int = GENERATED) -> Houses:
    """Return houses of the bundled generator, other ones than training sees.

    Their prices count only where both models were trained on the generator's sales; they say
    nothing of a model of real ones.
    """
    from regression_model.sales.sample import generate

    frames = [generate(count, seed=SEED, spec=model.spec) for model in (old, new)]
    for_old, for_new = (
        frame_rows(frame, model.spec)[0] for frame, model in zip(frames, (old, new), strict=True)
    )
    prices = frames[1][new.spec.target.name].to_numpy(dtype=float)
    synthetic = all(m.artifact.manifest["data"]["source"] == SAMPLE for m in (old, new))
    if not synthetic:
        prices = np.full(count, np.nan)
    return Houses(for_old, for_new, prices, "generated houses", None, [])


def _prices(rows: Sequence[Any], model: Model) -> tuple[NDArray[np.float64], list[str]]:
    """Return the price of each house, NaN if impossible, and a note on impossible ones."""
    given, faults = check_prices(rows, model.spec)
    refused = {row for row, _, _ in faults}
    prices = [
        np.nan if row in refused or price is None else float(price)
        for row, price in enumerate(given)
    ]
    notices = []
    if 0 < len(refused) < len(rows):
        notices = [f"{len(refused):,} house(s) without a possible price count for movement only"]
    return np.array(prices, dtype=float), notices


def _without_target(rows: Sequence[Any], model: Model) -> list[Any]:
    target = model.spec.target.name
    return [
        {name: value for name, value in row.items() if name != target}
        if isinstance(row, dict)
        else row
        for row in rows
    ]
