"""The codes of errors and warnings: those that are declared are those that there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from regression_model.issues import ErrorCode, WarningCode
from regression_model.tables import TableReader

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}
ROWS: list[Any] = [
    {**LEAST, "GrLivArea": -1},
    {**LEAST, "GrLivArea": "1000"},
    {**LEAST, "NoSuchField": 1},
    {},
    {**LEAST, "GrLivArea": 99_999},
    {**LEAST, "MSZoning": "?"},
    {**LEAST, "YrSold": 2006, "YearBuilt": 2009},
]


@pytest.fixture
def codes(model: Any, tmp_path: Path) -> tuple[set[str], set[str]]:
    """Codes of errors and of warnings on rows with every fault, from JSON and from a table."""
    lines = [json.dumps(row) for row in ROWS]
    infinite = json.dumps({**LEAST, "GrLivArea": 0}).replace("0}", "1e999}")
    (tmp_path / "houses.ndjson").write_text("\n".join([*lines, "{"]))
    (tmp_path / "houses.csv").write_text(",".join([*LEAST, "Strange"]) + "\nNAmes,5,1960,1000,1\n")
    answers = [model.predict_json(f"[{', '.join([*lines, infinite])}]".encode())]
    caveats = []
    for name in ("houses.ndjson", "houses.csv"):
        reader = TableReader(tmp_path / name, model.spec)
        answers += [model.predict_rows(rows) for rows in reader.chunks()]
        caveats += reader.caveats
    errors = {issue["code"] for answer in answers for issue in answer["errors"]}
    return errors, {
        issue["code"]
        for issues in (caveats, *(answer["warnings"] for answer in answers))
        for issue in issues
    }


def test_every_declared_code_is_given_and_no_other(codes: tuple[set[str], set[str]]) -> None:
    errors, warnings = codes

    assert errors == set(get_args(ErrorCode.__value__))
    assert warnings == set(get_args(WarningCode.__value__))
