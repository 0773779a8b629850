"""The artifact keeps the training sales, in bytes that depend on them alone."""

from __future__ import annotations

import io
import time
from dataclasses import fields, replace
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from regression_model.comparables import PastSales
from regression_model.evaluation.metrics import score
from regression_model.spec import Spec
from regression_model.training.data import Sales
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
    read = PastSales.read(written(past))

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


def test_the_file_of_a_model_does_not_unpickle_what_another_put_there() -> None:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=True, **{f.name: np.array([{}]) for f in fields(PastSales)})

    with pytest.raises(ValueError, match="allow_pickle=False"):
        PastSales.read(stream.getvalue())
