"""The training sales that an artifact keeps, for comparables and explanations.

They are a file of NumPy arrays (``.npz``). The manifest says how many sales there are and what a
house consists of, so every size is known, and checked, before anything is unpacked.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from typing import IO
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from regression_model.artifact import COMPARABLES, Artifact
from regression_model.config.spec import Feature, Spec
from regression_model.errors import ArtifactCorrupt
from regression_model.reading.encoder import Matrix

Reals = NDArray[np.float64]

NO_ID = -1
MAX_UNPACKED_BYTES = 512 * 1024**2  # a million sales of 80 fields take 340 MiB
_MAX_HEADER_BYTES = 4096
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class PastSales:
    """The training sales as an artifact keeps them, row by row in the order of training.

    ``matrix`` is what the encoder makes of the houses, shape ``(n, inputs)``; ``prices`` and
    ``out_of_fold`` (prices by models that had not seen the sale) are dollars, shape ``(n,)``;
    ``ids`` has -1 where there is none; ``weights``, shape ``(inputs,)``, says how much each input
    matters to the model.
    """

    matrix: Matrix
    prices: Reals
    out_of_fold: Reals
    ids: NDArray[np.int64]
    weights: Reals


def read_past_sales(artifact: Artifact, spec: Spec) -> PastSales:
    """Return the sales that ``artifact`` keeps; nothing is unpickled.

    Raises :class:`ArtifactCorrupt` where there are none, or not those that the manifest and
    ``spec`` describe.
    """
    content = artifact.read(COMPARABLES)
    try:
        sales = unpacked_sales(
            content, rows=artifact.manifest["data"]["rows"], inputs=len(spec.inputs)
        )
        _check_values(sales, spec)
    except Exception as error:  # what a damaged archive raises has no common type
        reason = str(error) or type(error).__name__
        raise ArtifactCorrupt(
            f"{COMPARABLES} of artifact {artifact.name} does not hold its sales: {reason}; "
            "train a new one"
        ) from error
    return sales


def unpacked_sales(content: bytes, *, rows: int, inputs: int) -> PastSales:
    """Return the arrays in the bytes of ``comparables.npz``; ValueError where they are others."""
    expected = {
        "matrix": (np.float32, (rows, inputs)),
        "prices": (np.float64, (rows,)),
        "out_of_fold": (np.float64, (rows,)),
        "ids": (np.int64, (rows,)),
        "weights": (np.float64, (inputs,)),
    }
    sizes = {name: _size(dtype, shape) for name, (dtype, shape) in expected.items()}
    if sum(sizes.values()) > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"{rows:,} sales take more than {MAX_UNPACKED_BYTES // 1024**2} MiB, which is the limit"
        )
    with ZipFile(io.BytesIO(content)) as archive:
        held = sorted(archive.namelist())
        if held != sorted(f"{name}.npy" for name in expected):
            raise ValueError(
                f"expected arrays {', '.join(expected)}, found {', '.join(held)[:200]}"
            )
        arrays = {}
        for name, (dtype, shape) in expected.items():
            with archive.open(f"{name}.npy") as member:
                packed = member.read(sizes[name] + _MAX_HEADER_BYTES + 1)
            _check_header(io.BytesIO(packed), name, np.dtype(dtype), shape)
            arrays[name] = npy.read_array(io.BytesIO(packed), allow_pickle=False)
    return PastSales(**arrays)


def _size(dtype: type, shape: tuple[int, ...]) -> int:
    size = np.dtype(dtype).itemsize
    for length in shape:
        size *= length
    return size


def _check_header(
    stream: IO[bytes], name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]
) -> None:
    """Refuse an array of another shape or type before its elements are read."""
    read_header = _HEADERS.get(npy.read_magic(stream))
    if read_header is None:
        raise ValueError(f"array {name} is written in an unknown version of the format")
    held, _, held_dtype = read_header(stream)
    if (held, held_dtype) != (shape, dtype):
        raise ValueError(f"array {name} is {held_dtype} {held}, expected {dtype} {shape}")


def _check_values(sales: PastSales, spec: Spec) -> None:
    for f in fields(sales):
        array = getattr(sales, f.name)
        if f.name != "matrix" and not np.isfinite(array).all():
            raise ValueError(f"array {f.name} holds values that are not finite")
    if min(sales.prices.min(), sales.out_of_fold.min()) <= 0:
        raise ValueError("a price is not positive")
    for feature, column in zip(spec.inputs, sales.matrix.T, strict=True):
        if not _is_possible(feature, column):
            raise ValueError(f"array matrix holds codes that are not a level of {feature.name}")


def _is_possible(feature: Feature, column: Matrix) -> bool:
    known = column[~np.isnan(column)]
    if not feature.has_levels:
        return bool(np.isfinite(known).all())
    codes = np.arange(len(feature.levels), dtype=np.float32)
    return bool(np.isin(known, codes).all())
