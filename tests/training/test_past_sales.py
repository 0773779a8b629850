"""The artifact keeps the training sales, in bytes that depend on them alone."""

from __future__ import annotations

import io
import time
import tracemalloc
from dataclasses import fields, replace
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from regression_model.config.spec import Spec
from regression_model.evaluation.metrics import score
from regression_model.explaining.past_sales import PastSales, unpacked_sales
from regression_model.sales.table import Sales
from regression_model.training.fit import Trained
from regression_model.training.past_sales import past_sales, written


@pytest.fixture(scope="module")
def past(spec: Spec, sales: Sales, trained: Trained) -> PastSales:
    return past_sales(spec, sales, trained)


def test_every_sale_is_kept_as_the_model_met_it(
    past: PastSales, spec: Spec, sales: Sales, trained: Trained
) -> None:
    assert past.matrix.dtype == np.float32
    assert past.matrix.shape == (len(sales.prices), len(spec.inputs))
    np.testing.assert_array_equal(past.prices, sales.prices)
    np.testing.assert_array_equal(past.out_of_fold, trained.judgement.out_of_fold.predicted)
    assert spec.identifier is not None
    assert past.ids.tolist() == sales.frame[spec.identifier.name].tolist()


def test_the_prices_out_of_fold_are_those_that_were_scored(
    past: PastSales, trained: Trained
) -> None:
    assert score(past.prices, past.out_of_fold) == trained.judgement.repeats[0]


def test_weights_are_those_of_the_model(past: PastSales, spec: Spec) -> None:
    quality = next(j for j, f in enumerate(spec.inputs) if f.name == "OverallQual")

    assert past.weights.shape == (len(spec.inputs),)
    assert (past.weights >= 0).all()
    assert past.weights[quality] > 5 * np.median(past.weights)


def test_a_sale_without_an_identifier_gets_minus_one(
    spec: Spec, sales: Sales, trained: Trained
) -> None:
    assert spec.identifier is not None
    nameless = sales.frame.assign(**{spec.identifier.name: [None, *range(1, len(sales.prices))]})

    kept = past_sales(spec, replace(sales, frame=nameless), trained)

    assert kept.ids[:3].tolist() == [-1, 1, 2]


def test_what_is_written_is_read_back(past: PastSales) -> None:
    rows, inputs = past.matrix.shape
    read = unpacked_sales(written(past), rows=rows, inputs=inputs)

    for f in fields(PastSales):
        np.testing.assert_array_equal(getattr(read, f.name), getattr(past, f.name))
        assert getattr(read, f.name).dtype == getattr(past, f.name).dtype


def test_the_bytes_depend_on_the_sales_alone(
    past: PastSales, spec: Spec, sales: Sales, trained: Trained, monkeypatch: Any
) -> None:
    content = written(past)
    monkeypatch.setattr(time, "time", lambda: 2e9)

    assert written(past_sales(spec, sales, trained)) == content
    with ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_numpy_reads_the_file_without_pickle(past: PastSales) -> None:
    with np.load(io.BytesIO(written(past)), allow_pickle=False) as arrays:
        assert set(arrays) == {"matrix", "prices", "out_of_fold", "ids", "weights"}


def packed(past: PastSales, **changed: Any) -> bytes:
    """The file of ``past`` with other arrays, or further ones."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **{f.name: getattr(past, f.name) for f in fields(past)} | changed)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prices": np.array([{}])}, r"array prices is object \(1,\), expected float64 \(400,\)"),
        ({"prices": np.zeros(400, np.float32)}, r"is float32 \(400,\), expected float64 \(400,\)"),
        ({"matrix": np.zeros((1, 1), np.float32)}, r"array matrix is float32 \(1, 1\), expected"),
        ({"more": np.zeros(1)}, "expected arrays matrix, prices, .* found .*more.npy"),
        ({"../out": np.zeros(1)}, r"found \.\./out\.npy"),
    ],
    ids=["pickled objects", "another type", "another shape", "another array", "a path"],
)
def test_an_array_that_is_not_described_is_refused_unread(
    changed: dict[str, Any], message: str, past: PastSales
) -> None:
    with pytest.raises(ValueError, match=message):
        unpacked_sales(packed(past, **changed), rows=400, inputs=past.matrix.shape[1])


def test_a_small_file_that_unpacks_to_a_large_one_costs_no_memory(past: PastSales) -> None:
    rows, inputs = past.matrix.shape
    bomb = packed(past, matrix=np.zeros((rows * 2000, inputs), np.float32))
    assert len(bomb) < 2**20

    tracemalloc.start()
    with pytest.raises(ValueError, match=r"array matrix is float32 \(800000, "):
        unpacked_sales(bomb, rows=rows, inputs=inputs)
    with pytest.raises(ValueError, match=r"3,000,000 sales take more than 512 MiB"):
        unpacked_sales(bomb, rows=3_000_000, inputs=inputs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8 * 2**20
