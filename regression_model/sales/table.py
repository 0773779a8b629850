"""Sales to learn from: read, judged by the rules of serving, and put in order.

All faults of a table are found before any is reported, each with row, column and remedy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regression_model.config.spec import Feature, Spec
from regression_model.errors import DataError, InvalidInput
from regression_model.reading.echo import short
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import Issues, Omitted, issue, left_out
from regression_model.reading.tables import TableReader, frame_rows
from regression_model.reading.validation import House, HouseValidator, Malformed

FILE, SAMPLE = "file", "sample"
MAX_FAULTS = 200


@dataclass(frozen=True)
class Sales:
    """Checked sales in the order of their identifier.

    ``frame`` holds the inputs (and identifier) under canonical names, ``prices`` the target in
    dollars, ``profile`` what training met: levels, ranges and shares of unknown values.
    """

    frame: pd.DataFrame
    prices: NDArray[np.float64]
    source: str
    name: str
    sha256: str
    profile: Mapping[str, Any]
    notices: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """Return what tells these sales from others."""
        return {
            "source": self.source,
            "name": self.name,
            "rows": len(self.prices),
            "sha256": self.sha256,
        }


def load_sales(path: Path, spec: Spec) -> Sales:
    """Read a CSV, Parquet or NDJSON table of sales.

    Raises :class:`DataError` that lists every fault: missing or impossible price, undeclared
    level, duplicate identifier, wrong type, missing column, unreadable file.
    """
    try:
        reader = TableReader(path, spec, keep_target=True)
        rows = [row for chunk in reader.chunks() for row in chunk]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (InvalidInput, OSError) as error:
        raise DataError(f"the table of sales is refused: {error}") from error
    caveats = [caveat["message"] for caveat in reader.caveats]
    return _sales(rows, spec, source=FILE, name=path.name, sha256=digest, notices=caveats)


def sample_sales(spec: Spec, rows: int | None = None) -> Sales:
    """Return the bundled synthetic sales, generated from the spec's seed."""
    from regression_model.sales.sample import DEFAULT_ROWS, generate

    frame = generate(DEFAULT_ROWS if rows is None else rows, seed=spec.seed, spec=spec)
    digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    target = spec.target.name
    prices = frame[target].tolist()
    houses, _ = frame_rows(frame, spec)
    given = [{**house, target: price} for house, price in zip(houses, prices, strict=True)]
    return _sales(given, spec, source=SAMPLE, name="bundled sample", sha256=digest, notices=[])


def _sales(
    rows: Sequence[Any],
    spec: Spec,
    *,
    source: str,
    name: str,
    sha256: str,
    notices: Sequence[str],
) -> Sales:
    faults = _missing_columns(rows, spec)
    prices, price_faults = check_prices(rows, spec)
    houses, matrix, refused, doubts = _houses(rows, spec)
    told = [(e["row"] or 0, e["field"] or "", e["message"]) for found in refused for e in found]
    faults += sorted([*price_faults, *told, *_duplicates(rows, spec)])
    if faults:
        raise DataError(_report(name, faults, left_out(*refused), rows=rows, spec=spec))
    kept = [house for house in houses if house is not None]
    names = [f.name for f in spec.features if f.role != "target"]
    ordered = _in_order(kept, prices, spec)
    return Sales(
        frame=pd.DataFrame([[h.get(n) for n in names] for h, _ in ordered], columns=names),
        prices=np.array([price for _, price in ordered], dtype=float),
        source=source,
        name=name,
        sha256=sha256,
        profile=_profile(matrix, spec),
        notices=[*notices, *doubts],
    )


# A fault is (row counted from 0 or -1 for the table, column, message).
Fault = tuple[int, str, str]


def _missing_columns(rows: Sequence[Any], spec: Spec) -> list[Fault]:
    given: set[str] = set()
    for row in rows:
        if isinstance(row, Mapping):
            given |= row.keys()
    if not rows:
        return [(-1, "", "the table has a header and no rows; give it sales")]
    return [
        (-1, f.name, "the config declares this column, the table does not have it; add it, or "
         "remove it from the config")
        for f in spec.features
        if f.role != "identifier" and not given.intersection((f.name, *f.aliases))
    ]  # fmt: skip


def check_prices(rows: Sequence[Any], spec: Spec) -> tuple[list[float], list[Fault]]:
    """Return the target of each row, and a fault for each impossible price."""
    target = spec.target
    low, high = target.minimum or 0.0, target.maximum or np.inf
    prices: list[Any] = []
    faults: list[Fault] = []
    for i, row in enumerate(rows):
        price = row.get(target.name) if isinstance(row, Mapping) else None
        prices.append(price)
        if isinstance(row, Malformed):
            continue
        if price is None:
            message = (
                f"{target.name} is missing; a sale needs its price. Give it, or remove the row"
            )
            faults.append((i, target.name, message))
        elif isinstance(price, bool) or not isinstance(price, (int, float)):
            faults.append((i, target.name, f"{target.name} must be a number, got {_shown(price)}"))
        elif not low <= price <= high:
            got = _shown(price)
            message = f"{target.name} must lie in {low:g} to {high:g} {target.unit}, got {got}"
            faults.append((i, target.name, message))
    return prices, faults


def _shown(value: Any) -> str:
    """``value`` in a message, which stays short."""
    if isinstance(value, float):
        return f"{value:g}"
    return repr(short(value)) if isinstance(value, str) else short(value)


def _houses(
    rows: Sequence[Any], spec: Spec
) -> tuple[list[House | None], NDArray[np.float32], tuple[Issues, Issues], list[str]]:
    """Return the houses, their matrix, what is refused (values, and levels) and doubts."""
    target = spec.target.name
    inputs = [
        {k: v for k, v in row.items() if k != target} if isinstance(row, Mapping) else row
        for row in rows
    ]
    houses, errors = HouseValidator(spec).check(inputs)
    matrix, warnings = Encoder(spec).encode([house for house in houses if house is not None])
    return houses, matrix, (errors, _undeclared(inputs, spec)), _doubts(warnings)


def _undeclared(rows: Sequence[Any], spec: Spec) -> Issues:
    """Return levels that the config does not know, also in a row with other faults."""
    leveled = [f for f in spec.inputs if f.has_levels]
    found = Issues()
    for i, row in enumerate(rows):
        strange = [] if not isinstance(row, Mapping) else list(_strange_levels(row, leveled))
        room = found.room(i, len(strange))
        for f, value in strange[:room]:
            found.append(issue(i, f.name, "unseen_level", _not_declared(f, value), value))
        for f, _ in strange[room:]:
            found.omit("unseen_level", f.name, i, last=i, count=1)
    return found


def _strange_levels(
    row: Mapping[str, Any], leveled: Sequence[Feature]
) -> Iterator[tuple[Feature, Any]]:
    for f in leveled:
        value = next((row[name] for name in (f.name, *f.aliases) if name in row), None)
        told = isinstance(value, str) if f.type == "text" else isinstance(value, (int, float))
        if told and value not in f.levels and value not in f.spellings:
            yield f, value


def _not_declared(f: Feature, value: Any) -> str:
    return (
        f"level {_shown(value)} is not declared; add it to the levels or spellings of {f.name} "
        f"in the config, or correct it (declared: {', '.join(map(str, f.levels))})"
    )


def _doubts(warnings: Issues) -> list[str]:
    titles = {
        "beyond_training_range": (
            "beyond the declared range (widen it in the config, or look at them)"
        ),
        "sold_before": "after the year of the sale",
    }
    counts = {key: n for key, n in warnings.found().items() if key[0] in titles}
    in_order = sorted((str(field), code, n) for (code, field), n in counts.items())
    return [f"{field}: {n} row(s) {titles[code]}" for field, code, n in in_order]


def _duplicates(rows: Sequence[Any], spec: Spec) -> list[Fault]:
    if spec.identifier is None:
        return []
    name = spec.identifier.name
    first: dict[Any, int] = {}
    faults = []
    for i, row in enumerate(rows):
        value = row.get(name) if isinstance(row, Mapping) else None
        if isinstance(value, (int, float)) and first.setdefault(value, i) != i:
            message = (
                f"duplicate {name} {_shown(value)} (first in row {first[value] + 1}); remove one"
            )
            faults.append((i, name, message))
    return faults


def _report(
    name: str, faults: Sequence[Fault], left: Sequence[Omitted], *, rows: Sequence[Any], spec: Spec
) -> str:
    """Return all faults; equal faults of several rows share a line, others are counted."""
    alike: dict[tuple[str, str], list[int]] = {}
    for i, column, message in faults:
        alike.setdefault((column, message), []).append(i)
    count = len(faults) + sum(found["count"] for found in left)
    lines = [f"{name} is refused as a table of sales: {count} fault(s)"]
    for (column, message), places in list(alike.items())[:MAX_FAULTS]:
        first = places[0]
        place = f"row {first + 1}{_identity(rows[first], spec)}" if first >= 0 else "table"
        more = f"; {len(places) - 1} more row(s): {_listed(places[1:])}" if places[1:] else ""
        lines.append(f"  {', '.join(filter(None, (place, column)))}: {message}{more}")
    if len(alike) > MAX_FAULTS:
        lines.append(f"  … and {len(alike) - MAX_FAULTS} more kinds")
    for found in left:
        first, last = (row + 1 for row in found["rows"])
        column, code = found["field"] or "", found["code"]
        lines.append(f"  rows {first} to {last}, {column}: {found['count']} more value(s), {code}")
    return "\n".join(lines)


def _listed(places: Sequence[int]) -> str:
    return ", ".join(str(i + 1) for i in places[:10]) + (", …" if len(places) > 10 else "")


def _identity(row: Any, spec: Spec) -> str:
    if spec.identifier is None or not isinstance(row, Mapping):
        return ""
    value = row.get(spec.identifier.name)
    return f" ({spec.identifier.name} {_shown(value)})" if isinstance(value, (int, float)) else ""


def _in_order(
    houses: Sequence[House], prices: Sequence[float], spec: Spec
) -> list[tuple[House, float]]:
    """Return the same order for the same sales: by identifier, then by everything else."""
    name = None if spec.identifier is None else spec.identifier.name

    def key(sale: tuple[House, float]) -> tuple[float, str, float]:
        house, price = sale
        number = None if name is None else house.get(name)
        return (np.inf if number is None else number, repr(sorted(house.items(), key=str)), price)

    return sorted(zip(houses, prices, strict=True), key=key)


def _profile(matrix: NDArray[np.float32], spec: Spec) -> dict[str, Any]:
    levels, ranges, unknown = {}, {}, {}
    for j, f in enumerate(spec.inputs):
        known = matrix[~np.isnan(matrix[:, j]), j]
        unknown[f.name] = round(1 - len(known) / len(matrix), 6)
        if f.has_levels:
            levels[f.name] = [f.levels[int(code)] for code in np.unique(known)]
        elif len(known):
            ranges[f.name] = [float(known.min()), float(known.max())]
    return {"levels": levels, "ranges": ranges, "unknown": unknown}
