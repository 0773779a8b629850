"""The sales that an artifact keeps, for comparables and for the houses that explanations start at.

A file of NumPy arrays (``.npz``) whose bytes depend on its content alone.
"""

from __future__ import annotations

import io
from dataclasses import fields
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from regression_model.config.spec import Spec
from regression_model.evaluation.importance import importance
from regression_model.explaining.past_sales import NO_ID, PastSales
from regression_model.reading.encoder import Encoder
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer
from regression_model.training.fit import Trained

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP file can name
_UNIX = 3


def past_sales(spec: Spec, sales: Sales, trained: Trained) -> PastSales:
    """Return the training sales with the weights of their fields, asked of the compiled model."""
    matrix = trained.pipeline[:1].transform(sales.frame).to_numpy(np.float32)
    scorer = Scorer(trained.graph)
    names = Encoder(spec).names
    weights = importance(lambda m: scorer.score(m).price, matrix, names, seed=spec.seed)
    return PastSales(
        matrix=matrix,
        prices=sales.prices,
        out_of_fold=trained.judgement.out_of_fold.predicted,
        ids=_ids(spec, sales),
        weights=np.array([weights[name] for name in names]),
    )


def written(sales: PastSales) -> bytes:
    """Return the bytes of the file; the same for the same sales, whenever it is written.

    ``numpy.savez`` would do, but for the time of writing that it puts before each array.
    """
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for f in fields(sales):
            entry = ZipInfo(f"{f.name}.npy", _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = _UNIX
            content = io.BytesIO()
            np.lib.format.write_array(content, getattr(sales, f.name), allow_pickle=False)
            archive.writestr(entry, content.getvalue())
    return stream.getvalue()


def _ids(spec: Spec, sales: Sales) -> NDArray[np.int64]:
    if spec.identifier is None:
        return np.full(len(sales.prices), NO_ID, dtype=np.int64)
    return sales.frame[spec.identifier.name].fillna(NO_ID).to_numpy(np.int64)
