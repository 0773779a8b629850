"""Synthetic houses: a seeded generator that knows no column, only the rules of ``sample.yml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regression_model.config.reader import load_spec
from regression_model.config.spec import NONE, Feature, Spec
from regression_model.errors import ConfigError, InvalidInput, MissingDependency
from regression_model.files.atomic_file import replacing
from regression_model.sales.sample_reader import parse_rules
from regression_model.sales.sample_rules import Rule, Values, draw, missing_rules

DEFAULT_ROWS = 1460
MAX_ROWS = 10_000_000
_RULES = "sample.yml"


def generate(
    n: int = DEFAULT_ROWS, *, seed: int | None = None, spec: Spec | None = None
) -> pd.DataFrame:
    """``n`` synthetic houses with their prices: one row each, the spec's columns in its order.

    The same ``n`` and ``seed`` (default: the spec's) give the same houses; ``spec`` decides only
    which columns are kept. Null is ``None`` in columns with levels, NaN in numbers; numbers that
    are never null are integers. Raises ValueError for an ``n`` out of bounds and
    :class:`ConfigError` where ``spec`` needs what the rules do not draw.
    """
    if not 0 <= n <= MAX_ROWS:
        raise ValueError(f"n is {n}; expected a number of houses from 0 to {MAX_ROWS:,}")
    known, rules = _bundled()
    given = known if spec is None else spec
    faults = missing_rules([rule.column for rule in rules], given, label=_RULES)
    if faults:
        raise ConfigError("\n".join(faults))
    drawn = draw(rules, n, np.random.default_rng(given.seed if seed is None else seed))
    houses = {
        rule.column: _decoded(drawn[rule.column], known.feature(rule.column), rule)
        for rule in rules
        if not rule.hidden
    }
    return pd.DataFrame({f.name: _column(f, houses, n) for f in given.features})


def write_sample(path: Path | str, n: int = DEFAULT_ROWS, *, seed: int | None = None) -> None:
    """Write ``n`` synthetic houses as CSV, NDJSON or Parquet, by the extension of ``path``.

    In CSV null is ``NA``, as in the published data. The file appears whole or not at all.
    Raises :class:`InvalidInput` for another extension or a file that cannot be written, ValueError
    for an ``n`` out of bounds.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        expected = ", ".join(_WRITERS)
        raise InvalidInput(f"{path.name}: unknown kind of table; expected {expected}")
    frame = generate(n, seed=seed)
    with replacing(path) as temporary:
        writer(frame, temporary)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, na_rep="NA", float_format="%.15g")


def _write_ndjson(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records", lines=True)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    try:
        import pyarrow  # noqa: F401  # said by name before pandas says it at length
    except ImportError:
        raise MissingDependency("pyarrow", extra="batch", purpose="Parquet") from None
    with path.open("wb") as stream:  # pandas would refuse a pipe
        frame.to_parquet(stream, index=False)


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".ndjson": _write_ndjson,
    ".parquet": _write_parquet,
}


@lru_cache(maxsize=1)
def _bundled() -> tuple[Spec, tuple[Rule, ...]]:
    spec = load_spec()
    text = resources.files(__package__).joinpath(_RULES).read_text("utf-8")
    return spec, parse_rules(text, spec, label=_RULES)


def _decoded(values: Values, feature: Feature, rule: Rule) -> NDArray[Any]:
    """Return the drawn values as in the data: levels instead of positions, whole numbers."""
    if feature.has_levels:
        labels = [None if level == feature.null_means else level for level in feature.levels]
        positions = np.where(np.isnan(values), len(labels), values).astype(np.int64)
        if rule.unknown or feature.type == "text":
            return np.array([*labels, None], dtype=object)[positions]
        return np.array(labels)[positions]
    if rule.unknown or feature.null_means == NONE:
        return values
    return values.astype(np.int64)


def _column(feature: Feature, houses: Mapping[str, NDArray[Any]], n: int) -> pd.Series[Any]:
    if feature.role == "identifier":
        return pd.Series(np.arange(1, n + 1))
    values = houses.get(feature.name, np.full(n, None, dtype=object))
    column = pd.Series(values, dtype=values.dtype)
    if feature.has_levels:
        strange = sorted({str(v) for v in column.dropna().unique() if v not in feature.levels})
        if strange:
            raise ConfigError(
                f"{_RULES} draws {', '.join(strange)} for {feature.name}, which the config does "
                "not declare; add these to its levels, or train on data of your own"
            )
    return column
