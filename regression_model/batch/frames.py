"""DataFrames valued column by column, without importing pandas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regression_model.answer import Prediction, assemble
from regression_model.batch.chunk import Chunk
from regression_model.batch.columns import Column, Levels, Numbers, Opaque
from regression_model.batch.valuing import TableValuer, Valued
from regression_model.config.spec import Spec
from regression_model.reading.issues import OF_ANSWER, Issue
from regression_model.reading.tables import check_names, frame_rows, known_columns

if TYPE_CHECKING:
    from regression_model.model import Model


def predict_frame(model: Model, frame: Any) -> Prediction:
    """What ``model.predict_rows`` says of the frame's rows; InvalidInput where there are none."""
    names = check_names(frame)
    used, caveats = known_columns(names, model.spec)
    columns = {name: column_of(frame.iloc[:, j]) for j, name in enumerate(names) if name in used}
    chunk = Chunk(len(frame), columns, lambda rows: _rows(frame, rows, model.spec))
    valued = TableValuer(model, limits=OF_ANSWER).value(chunk)
    return _prediction(model, valued, caveats)


def column_of(series: Any) -> Column:
    """The column that a Series holds; what pandas calls missing is null."""
    kind = getattr(series.dtype, "kind", "O")
    if isinstance(series.dtype, np.dtype) and kind in "iuf":
        return Numbers(series.to_numpy().astype(np.float64))
    named = str(series.dtype)
    if named == "category":
        categories = series.cat.categories.astype(object).tolist()
        return Levels(series.cat.codes.to_numpy().astype(np.intp), categories)
    if named in ("str", "string"):  # text alone: equal values are the same value
        index, values = series.factorize()
        return Levels(np.asarray(index, np.intp), values.astype(object).tolist())
    present = series.notna().to_numpy()
    try:
        return _told_apart(series.astype(object).tolist(), present)
    except TypeError:  # a list or another value that cannot be looked up
        return Opaque(~present)


def _told_apart(values: list[Any], present: NDArray[np.bool_]) -> Levels:
    """Levels of values of any types; 1, 1.0 and True are equal and not the same."""
    places: dict[tuple[type, Any], int] = {}
    index = [
        places.setdefault((type(value), value), len(places)) if known else -1
        for value, known in zip(values, present.tolist(), strict=True)
    ]
    return Levels(np.array(index, np.intp), [value for _, value in places])


def _rows(frame: Any, rows: NDArray[np.intp], spec: Spec) -> list[Any]:
    return frame_rows(frame.iloc[rows], spec)[0]


def _prediction(model: Model, valued: Valued, caveats: Sequence[Issue]) -> Prediction:
    *values, known = valued.numbers.values()
    places = np.flatnonzero(~np.isnan(known))
    return assemble(
        map(tuple, np.column_stack(values)[places].tolist()),
        known[places].astype(np.int64).tolist(),
        places.tolist(),
        ids=[None if math.isnan(i) else int(i) for i in valued.ids.tolist()],
        errors=valued.errors,
        warnings=valued.warnings,
        caveats=caveats,
        version=model.version,
        artifact=model.label,
    )
