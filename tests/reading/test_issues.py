"""What is said of rows: every declared code is given, and no list grows without bounds."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from regression_model import suggestions
from regression_model.batch.chunk import chunk_of_rows
from regression_model.batch.valuing import TableValuer
from regression_model.reading.issues import (
    ERROR_CODES,
    MAX_ISSUES_OF_LIST,
    MAX_ISSUES_OF_ROW,
    MAX_SUGGESTIONS,
    MAX_UNKNOWN_NAMES,
    OF_TABLE,
    ErrorCode,
    Issues,
    Limits,
    WarningCode,
    count_by_code,
    issue,
)
from regression_model.reading.tables import TableReader, frame_rows
from regression_model.suggestions import nearest

LEAST = {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}
UNKNOWN = {f"field {i}": i for i in range(30)}
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

    assert errors == ERROR_CODES == set(get_args(ErrorCode.__value__))
    assert warnings == set(get_args(WarningCode.__value__))


# The collection


def say(issues: Issues, row: int, fields: list[str]) -> None:
    """Find an error in each of the fields of a row."""
    room = issues.room(row, len(fields))
    for field in fields[:room]:
        issues.append(issue(row, field, "required", f"{field} is required"))
    for field in fields[room:]:
        issues.omit("required", field, row, last=row, count=1)


def test_a_row_says_its_first_issues_and_counts_the_others() -> None:
    issues = Issues(Limits(of_row=2))

    say(issues, 0, ["a", "b"])
    say(issues, 4, ["a", "b", "c", "d"])
    say(issues, 7, ["a", "b", "c"])

    assert [(i["row"], i["field"]) for i in issues] == [
        (row, field) for row in (0, 4, 7) for field in "ab"
    ]
    assert issues.more == {4: 2, 7: 1}
    assert issues.omitted == [
        {"code": "required", "field": "c", "count": 2, "rows": [4, 7]},
        {"code": "required", "field": "d", "count": 1, "rows": [4, 4]},
    ]
    assert issues.found() == {
        ("required", "a"): 3,
        ("required", "b"): 3,
        ("required", "c"): 2,
        ("required", "d"): 1,
    }


def test_a_full_list_still_says_the_first_error_of_every_row() -> None:
    issues = Issues(Limits(of_list=3), at_least=1)

    for row in range(4):
        say(issues, row, ["a", "b"])

    assert [(i["row"], i["field"]) for i in issues] == [
        (0, "a"), (0, "b"), (1, "a"), (2, "a"), (3, "a"),
    ]  # fmt: skip
    assert issues.omitted == [{"code": "required", "field": "b", "count": 3, "rows": [1, 3]}]


def test_a_full_list_of_caveats_says_nothing_more() -> None:
    issues = Issues(Limits(of_list=3))

    for row in range(4):
        say(issues, row, ["a", "b"])

    assert len(issues) == 3
    assert sum(left["count"] for left in issues.omitted) == 5


def test_what_is_said_moves_with_its_row() -> None:
    issues = Issues(Limits(of_row=1))
    say(issues, 0, ["a", "b"])
    say(issues, 1, ["a", "b"])

    issues.move([3, 8])

    assert [i["row"] for i in issues] == [3, 8]
    assert issues.omitted[0]["rows"] == [3, 8]
    assert issues.texts() == {3: "a is required; and 1 more", 8: "a is required; and 1 more"}


def test_what_is_found_for_a_name_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(text: str, *_: Any, **__: Any) -> list[str]:
        searched.append(text)
        return ["LotArea"]

    monkeypatch.setattr(suggestions.difflib, "get_close_matches", search)
    candidates = ("LotArea", "a name of this test alone")
    found = [nearest(text, candidates) for text in ["LotAera", "LotAera", "LotArae", "LotAera"]]

    assert found == ["LotArea"] * 4
    assert searched == ["LotAera", "LotArae"]


def test_a_list_suggests_names_for_so_many_spellings_and_no_more() -> None:
    issues = Issues(Limits(suggestions=2))
    asked = ["LotAera", "LotArae", "LotAer", "LotAera"]

    found = [issues.nearest(text, ("LotArea", "Alley")) for text in asked]

    assert found == ["LotArea", "LotArea", None, "LotArea"]


@pytest.mark.parametrize("length", [1, 3, 14, 22, 23, 24, 25, 26, 60])
def test_a_text_that_is_not_searched_has_no_likeness(length: int) -> None:
    candidates = ("a" * 10, "b" * 3)
    matches = suggestions.difflib.get_close_matches("a" * length, candidates, n=1)

    assert nearest("a" * length, candidates) == (matches[0] if matches else None)


# Answers


def test_a_row_has_a_bounded_number_of_errors(model: Any) -> None:
    result = model.predict_json(json.dumps([LEAST, {**LEAST, "LotArea": -1, **UNKNOWN}]).encode())

    assert [e["field"] for e in result["errors"]] == [
        "LotArea", *list(UNKNOWN)[: MAX_ISSUES_OF_ROW - 1],
    ]  # fmt: skip
    assert result["omitted"] == [
        {"code": "unknown_field", "field": None, "count": 11, "rows": [1, 1]}
    ]
    assert result["predictions"][0] is not None


def test_nothing_is_omitted_where_all_is_said(model: Any) -> None:
    assert "omitted" not in model.predict([LEAST, {}, {**LEAST, "MSZoning": "?"}])
    assert "omitted" not in model.validate([LEAST, {}, {**LEAST, "MSZoning": "?"}])


def test_every_refused_row_has_its_first_error(model: Any) -> None:
    rows = MAX_ISSUES_OF_LIST // 4 + 10

    result = model.predict_json(json.dumps([{}] * rows).encode())

    assert [e["row"] for e in result["errors"]][-11:] == [rows - 11, *range(rows - 10, rows)]
    assert len(result["errors"]) == MAX_ISSUES_OF_LIST + 10
    assert {(e["field"], e["count"], *e["rows"]) for e in result["omitted"]} == {
        (field, 10, rows - 10, rows - 1) for field in list(LEAST)[1:]
    }


def levels_of_houses_unknown(model: Any, count: int) -> list[dict[str, Any]]:
    texts = [f.name for f in model.spec.inputs if f.has_levels and f.type == "text"]
    return [{**LEAST, **{name: f"{name} {i}" for name in texts}} for i in range(count)]


def test_caveats_are_bounded_too_and_prices_are_not_touched(model: Any) -> None:
    rows = levels_of_houses_unknown(model, MAX_ISSUES_OF_LIST // MAX_ISSUES_OF_ROW + 3)

    result = model.predict_json(json.dumps(rows).encode())

    assert len(result["warnings"]) == MAX_ISSUES_OF_LIST
    assert None not in result["predictions"]
    errors, warnings = count_by_code(result)
    assert errors == {}
    assert warnings == {"unseen_level": len(rows) * (len(rows[0]) - 3)}
    assert {left["field"] for left in result["omitted"]} <= rows[0].keys()


def test_what_is_omitted_is_found_by_rows_and_by_columns(model: Any) -> None:
    frame = pd.DataFrame([*levels_of_houses_unknown(model, 70), {**LEAST, "OverallQual": "9"}])
    for name in [f.name for f in model.spec.inputs if not f.has_levels][:30]:
        frame[name] = frame[name].astype(object) if name in frame else None
        frame.loc[3, name] = "text"

    by_columns = model.predict(frame)

    assert by_columns == model.predict_rows(frame_rows(frame, model.spec)[0])
    assert {left["code"] for left in by_columns["omitted"]} == {"wrong_type", "unseen_level"}
    assert model.validate(frame)["omitted"] == by_columns["omitted"]


def test_a_row_of_a_table_says_how_much_more_there_is(model: Any) -> None:
    rows = levels_of_houses_unknown(model, 2)
    chunk = chunk_of_rows(rows)
    more = len(rows[0]) - 3 - MAX_ISSUES_OF_ROW

    valued = TableValuer(model).value(chunk)

    texts = valued.warnings.texts()
    assert texts == model.reader.read(rows, limits=OF_TABLE).warnings.texts()
    assert [text.endswith(f"; and {more} more") for text in texts.values()] == [True] * 2
    assert texts[0].count("; did you mean") + texts[0].count("treated as") >= MAX_ISSUES_OF_ROW


def test_an_object_of_thousands_of_names_is_refused_unread(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len({n for f in model.spec.features for n in (f.name, *f.aliases)}) - 1
    strange = {f"field {i}": i for i in range(known + MAX_UNKNOWN_NAMES - len(LEAST))}
    (last,) = model.reader.validator.check([{**LEAST, **strange}])[1][-1:]

    monkeypatch.setattr("regression_model.reading.issues.nearest", None)  # nothing may be searched
    refused = model.predict([{**LEAST, **strange, "one": "more"}])

    assert last["field"] == "field 19"
    (error,) = refused["errors"]
    assert (error["code"], error["field"], error["value"]) == ("unknown_field", None, None)
    assert error["message"] == (
        f"the object has {known + MAX_UNKNOWN_NAMES + 1:,} names, a house has at most 80; "
        f"objects of more than {known + MAX_UNKNOWN_NAMES:,} are refused unchecked"
    )
    assert "omitted" not in refused


def test_rows_of_a_csv_reader_get_messages_that_help(model: Any) -> None:
    text = ",".join(LEAST) + "\nNAmes,5,1960,1000\n"
    (row,) = csv.DictReader(io.StringIO(text))

    result = model.predict(row)

    assert [e["message"] for e in result["errors"]] == [
        "OverallQual must be a whole number, got text '5'; remove the quotes",
        "YearBuilt must be a whole number, got text '1960'; remove the quotes",
        "GrLivArea must be a number, got text '1000'; remove the quotes",
    ]


def test_suggestions_of_an_answer_are_bounded(model: Any) -> None:
    rows = [{**LEAST, **{f"LotAr{i}ea{j}": 1 for j in range(20)}} for i in range(60)]

    result = model.predict(rows)

    hints = ["did you mean" in error["message"] for error in result["errors"]]
    assert hints[:MAX_SUGGESTIONS] == [True] * MAX_SUGGESTIONS
    assert not any(hints[MAX_SUGGESTIONS:])


def test_the_limits_are_those_of_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
    limits = re.findall(r"\| ([\d,]+) \| `(MAX_[A-Z_]+)` \|$", text, re.MULTILINE)

    assert {name: int(value.replace(",", "")) for value, name in limits} == {
        "MAX_ISSUES_OF_ROW": MAX_ISSUES_OF_ROW,
        "MAX_ISSUES_OF_LIST": MAX_ISSUES_OF_LIST,
        "MAX_SUGGESTIONS": MAX_SUGGESTIONS,
        "MAX_UNKNOWN_NAMES": MAX_UNKNOWN_NAMES,
    }
