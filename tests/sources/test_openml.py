"""OpenML's table becomes a CSV file with the values of Kaggle's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regression_model.config.spec import Spec
from regression_model.errors import FetchFailed
from regression_model.sales.table import load_sales
from regression_model.sources.arff import csv_of
from regression_model.sources.download import Limits
from regression_model.sources.openml import ADDRESS, VARIABLE, fetch

DESCRIPTION = "/api/v1/json/data/42165"
FILE = "/data/v1/download/21754539/house_prices.arff"
QUICK = Limits(silence=0.5, whole=2, size=2**20, retries=1, wait=0.01, longest_wait=1)
Arff = Callable[[bytes], bytes]


@pytest.fixture
def openml(service: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(VARIABLE, service.address)
    return service


def describe(service: Any, file: bytes, **other: Any) -> None:
    """Answer as OpenML does; ``other`` replaces what it says."""
    said = {
        "id": "42165",
        "name": "house_prices",
        "format": "arff",
        "url": service.address + FILE,
        "md5_checksum": hashlib.md5(file, usedforsecurity=False).hexdigest(),
        **other,
    }
    service.say(DESCRIPTION, json.dumps({"data_set_description": said}).encode())
    service.say(FILE, file)


def test_the_table_has_the_values_of_kaggles(
    openml: Any, sales_csv: bytes, to_arff: Arff, spec: Spec, tmp_path: Path
) -> None:
    describe(openml, to_arff(sales_csv))

    fetched = fetch(None, QUICK)

    assert_same_sales(sales_csv, fetched.files["train.csv"], spec, tmp_path)
    assert [file.address for file in fetched.downloads] == [openml.address + FILE]
    assert all("authorization" not in headers for _, headers in openml.asked)


def test_so_it_is_with_the_real_sales(
    openml: Any, ames: Path, to_arff: Arff, spec: Spec, tmp_path: Path
) -> None:
    table = (ames / "train.csv").read_bytes()
    describe(openml, to_arff(table))

    assert_same_sales(table, fetch(None, QUICK).files["train.csv"], spec, tmp_path)


def assert_same_sales(one: bytes, other: bytes, spec: Spec, folder: Path) -> None:
    read = []
    for name, table in (("one.csv", one), ("other.csv", other)):
        (folder / name).write_bytes(table)
        read.append(load_sales(folder / name, spec))
    pd.testing.assert_frame_equal(read[0].frame, read[1].frame)
    np.testing.assert_array_equal(read[0].prices, read[1].prices)


def test_a_file_with_another_checksum_is_refused(openml: Any) -> None:
    describe(openml, b"@DATA\n", md5_checksum="0" * 32)

    with pytest.raises(FetchFailed, match=r"has the MD5 checksum \w{32}, OpenML says 0{32}; "):
        fetch(None, QUICK)


@pytest.mark.parametrize(
    "answer",
    [
        b"no JSON",
        b"[]",
        b'{"data_set_description": []}',
        b'{"data_set_description": {"url": "http://x"}}',
        b'{"data_set_description": {"url": 1, "md5_checksum": "a", "format": "arff"}}',
        b'{"data_set_description": {"url": "u", "md5_checksum": "a", "format": "Sparse_ARFF"}}',
    ],
)
def test_an_odd_description_is_refused(openml: Any, answer: bytes) -> None:
    openml.say(DESCRIPTION, answer)

    with pytest.raises(FetchFailed, match=f"does not describe an ARFF file .*; look at {VARIABLE}"):
        fetch(None, QUICK)


def test_a_description_cannot_name_a_file_of_this_machine(openml: Any) -> None:
    describe(openml, b"", url="file:///etc/passwd")

    with pytest.raises(FetchFailed, match="OpenML: 'file:///etc/passwd' is not a web address"):
        fetch(None, QUICK)


def test_what_is_no_text_is_refused(openml: Any) -> None:
    describe(openml, b"@ATTRIBUTE a STRING\n@DATA\n\xff\n")

    with pytest.raises(FetchFailed, match="is not UTF-8 text"):
        fetch(None, QUICK)


def test_by_default_the_public_service_is_asked() -> None:
    assert ADDRESS == "https://www.openml.org"


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("1,2", "1,2"),
        ("?,None", "NA,None"),
        ("'?',\"?\"", "?,?"),
        ("'Wd Sdng', \"C (all)\" ", "Wd Sdng,C (all)"),
        (r"'it\'s',a\b", r"it's,a\b"),
        ("'a,b','say \"x\"'", '"a,b","say ""x"""'),
        (",", ","),
    ],
)
def test_a_row_of_arff_is_a_row_of_csv(line: str, cells: str) -> None:
    table = f"% about\n@relation x\n@attribute 'first name' {{a, b}}\n@Attribute b REAL\n@data\n\n% more\n{line}\n"

    assert csv_of(table) == f"first name,b\n{cells}\n"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "the ARFF table has no @data"),
        ("@attribute a real\n", "has no @data"),
        ("@data\n1\n", "declares no attribute"),
        ("@attribute\n@data\n", "line 1 of the ARFF table names no attribute: '@attribute'"),
        (
            "@attribute a real\n@data\n1,2\n",
            "line 3 of the ARFF table has 2 cells, its header 1 attr",
        ),
        ("@attribute a real\n@data\n'x\n", "line 3 of the ARFF table: a quote is not closed"),
        (
            "@attribute a real\n@attribute b real\n@data\n{0 1}\n",
            "line 4 of the ARFF table has 1 cells",
        ),
    ],
)
def test_what_is_no_dense_arff_is_refused_with_its_line(table: str, message: str) -> None:
    with pytest.raises(FetchFailed, match=message):
        csv_of(table)
