"""A table as it is: values that fit the spec as numbers, all others counted with their rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regression_model.config.spec import Feature, Spec
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import ALL, Issue
from regression_model.reading.tables import Progress, TableReader
from regression_model.reading.validation import House, HouseValidator
from regression_model.sales.table import check_prices

FIRST_ROWS = 5
MAX_LEVELS = 100  # values of a column that are no levels and counted one by one
DOUBTS = {
    "beyond_training_range": "outside of the range that the config declares",
    "sold_before": "after the year of the sale",
}


@dataclass
class Fault:
    """Values of one column that are refused, or doubted, for one reason.

    ``message`` speaks of the first of them; ``rows`` are the first ones, counted from 1.
    """

    column: str | None
    code: str
    message: str
    count: int = 0
    rows: list[int] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Return whether training or predicting refuses such values, instead of warning of them."""
        return self.code not in DOUBTS


@dataclass(frozen=True)
class Table:
    """What was read.

    ``frame`` has a column for each feature that the file has (identifier left out) and a row for
    each of its rows: numbers as they are, levels as their place in ``Feature.levels``, NaN for
    unknown and for what does not fit. ``nulls`` counts all null cells.
    """

    name: str
    sha256: str
    spec: Spec
    frame: pd.DataFrame
    ids: NDArray[np.float64] | None
    nulls: Mapping[str, int]
    faults: Sequence[Fault]
    notes: Sequence[str]

    @property
    def features(self) -> list[Feature]:
        return [self.spec.feature(name) for name in self.frame.columns]

    @property
    def prices(self) -> NDArray[np.float64] | None:
        """Return the target, NaN if missing or impossible; None without such a column."""
        target = self.spec.target.name
        if target not in self.frame:
            return None
        return self.frame[target].to_numpy(dtype=np.float64)

    def known(self, name: str) -> NDArray[np.float64]:
        """Return the values of a column that are known, in double precision."""
        values: NDArray[np.float64] = self.frame[name].to_numpy(dtype=np.float64)
        return values[~np.isnan(values)]

    def label(self, row: int) -> str:
        """Return how people find the row at this place: by its identifier, else by its number."""
        identifier = self.spec.identifier
        if identifier is None or self.ids is None or np.isnan(self.ids[row]):
            return f"row {row + 1}"
        return f"{identifier.name} {self.ids[row]:.0f}"


def read_table(path: Path, spec: Spec, progress: Progress | None = None) -> Table:
    """Read a CSV, Parquet or NDJSON table, also with wrong values.

    Raises :class:`InvalidInput` where the file cannot be read or has no column of a house.
    """
    reader = TableReader(path, spec, keep_target=True)
    gathered = _Gathered(spec)
    for chunk in reader.chunks(progress):
        gathered.add(chunk)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    notes = [caveat["message"] for caveat in reader.caveats]
    return gathered.table(path.name, digest, notes)


class _Gathered:
    """Chunks of rows, turned into numbers at once so that a long table fits into memory."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._names = {name: f.name for f in spec.features for name in (f.name, *f.aliases)}
        self._validator = HouseValidator(spec)
        self._encoder = Encoder(spec)
        self._blocks: list[NDArray[np.float32]] = []
        self._prices: list[float] = []
        self._ids: list[float] = []
        self._present: set[str] = set()
        self._nulls: Counter[str] = Counter()
        self._faults: dict[tuple[Any, ...], Fault] = {}
        self._levels: dict[str | None, set[Any]] = {}

    def add(self, rows: Sequence[Any]) -> None:
        first = len(self._prices)
        target = self._spec.target.name
        inputs = []
        for row in rows:
            if isinstance(row, Mapping):
                self._present.update(row)
                self._nulls.update(name for name, value in row.items() if value is None)
                row = {name: value for name, value in row.items() if name != target}
            inputs.append(row)
        houses, errors = self._validator.check(inputs, limits=ALL)
        mended = self._mended(inputs, houses, errors)
        matrix, warnings = self._encoder.encode(mended, limits=ALL)
        self._blocks.append(matrix)
        self._note(first, [*errors, *warnings])
        self._add_prices(first, rows)
        self._add_ids(mended)

    def _mended(
        self, rows: Sequence[Any], houses: Sequence[House | None], errors: Iterable[Issue]
    ) -> list[House]:
        """Return rows under the spec's names; refused rows come without their wrong values."""
        refused: dict[int, set[str]] = {}
        for error in errors:
            refused.setdefault(error["row"] or 0, set()).add(error["field"] or "")
        mended = []
        for i, (row, house) in enumerate(zip(rows, houses, strict=True)):
            if house is None:
                given = row.items() if isinstance(row, Mapping) else ()
                wrong = {self._names.get(name, name) for name in refused[i]}
                house = {
                    self._names[name]: value
                    for name, value in given
                    if name in self._names and self._names[name] not in wrong
                }
            mended.append(house)
        return mended

    def _add_prices(self, first: int, rows: Sequence[Any]) -> None:
        given, faults = check_prices(rows, self._spec)
        wrong = {row for row, _, _ in faults}
        fits = [
            float(price) if i not in wrong and price is not None else np.nan
            for i, price in enumerate(given)
        ]
        self._prices += fits
        for row, column, message in faults:
            missing = given[row] is None
            code = "no_price" if missing else "impossible_price"
            self._count((column, code), Fault(column, code, message), first + row + 1)

    def _add_ids(self, houses: Sequence[House]) -> None:
        identifier = self._spec.identifier
        if identifier is not None:
            values = (house.get(identifier.name) for house in houses)
            self._ids += [np.nan if value is None else float(value) for value in values]

    def _note(self, first: int, issues: Iterable[Issue]) -> None:
        for found in issues:
            column = None if found["field"] is None else self._names.get(found["field"])
            fault = Fault(column or found["field"], found["code"], found["message"])
            key = (column, found["code"], self._told_apart(column, found))
            if key[2] is not None:
                fault.message = f"{key[2]!r} is {found['message']}"
            elif found["code"] == "unseen_level":
                fault.message = f"beyond {MAX_LEVELS} values that are no levels, further ones"
            self._count(key, fault, first + (found["row"] or 0) + 1)

    def _told_apart(self, column: str | None, found: Issue) -> Any:
        """Return the value, where it is a level that is counted on its own: the first ones are."""
        if found["code"] != "unseen_level":
            return None
        levels = self._levels.setdefault(column, set())
        if len(levels) < MAX_LEVELS:
            levels.add(found["value"])
        return found["value"] if found["value"] in levels else None

    def _count(self, key: tuple[Any, ...], fault: Fault, row: int) -> None:
        fault = self._faults.setdefault(key, fault)
        fault.count += 1
        if len(fault.rows) < FIRST_ROWS:
            fault.rows.append(row)

    def table(self, name: str, sha256: str, notes: Sequence[str]) -> Table:
        spec, target = self._spec, self._spec.target.name
        present = {self._names[given] for given in self._present}
        kept = [j for j, f in enumerate(spec.inputs) if f.name in present]
        matrix = np.concatenate(self._blocks) if self._blocks else np.empty((0, len(spec.inputs)))
        frame = pd.DataFrame(matrix[:, kept], columns=[spec.inputs[j].name for j in kept])
        if target in present:
            frame[target] = self._prices
        nulls: Counter[str] = Counter()
        for given, count in self._nulls.items():
            nulls[self._names[given]] += count
        has_ids = spec.identifier is not None and spec.identifier.name in present
        return Table(
            name=name,
            sha256=sha256,
            spec=spec,
            frame=frame,
            ids=np.array(self._ids) if has_ids else None,
            nulls=nulls,
            faults=[f for f in self._faults.values() if target in present or f.column != target],
            notes=notes,
        )
