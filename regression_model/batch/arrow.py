"""Arrow's arrays as columns of a table, and their cells as the reader of rows gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regression_model.batch.columns import Column, Levels, Mask, Numbers, Opaque


def is_text(data: bytes) -> bool:
    """Whether the bytes are UTF-8, which Arrow takes for granted."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def column_of(array: pa.Array) -> Column:
    """The column that ``array`` holds: NaN, in tables, is null."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return Numbers(array.to_numpy(zero_copy_only=False).astype(np.float64, copy=False))
    if pa.types.is_nested(kind):
        return Opaque(_nulls(array))
    try:
        coded = array if pa.types.is_dictionary(kind) else array.dictionary_encode()
    except pa.ArrowException:  # a kind of which Arrow cannot tell equal values
        return Opaque(_nulls(array))
    if isinstance(coded, pa.DictionaryArray):
        return Levels(_index(coded), [_null(value) for value in coded.dictionary.to_pylist()])
    return Opaque(_nulls(array))


def rows_of(arrays: Mapping[str, pa.Array], rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    """Some rows as Python values; null and NaN are None."""
    chosen = pa.array(rows)
    cells = [map(_null, array.take(chosen).to_pylist()) for array in arrays.values()]
    return [dict(zip(arrays, row, strict=True)) for row in zip(*cells, strict=True)]


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _index(coded: pa.DictionaryArray) -> NDArray[np.intp]:
    index = coded.indices
    filled = index.fill_null(-1) if index.null_count else index
    plain: NDArray[np.intp] = filled.to_numpy().astype(np.intp)
    return plain


def _nulls(array: pa.Array) -> Mask:
    nulls: Mask = array.is_null().to_numpy(zero_copy_only=False).astype(bool)
    return nulls
