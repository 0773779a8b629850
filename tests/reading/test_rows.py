"""The quick way of reading rows says what the rules say, of every row and of any mixture."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regression_model import Model
from regression_model.config.spec import Spec
from regression_model.reading.rows import Reading, RowReader
from regression_model.reading.validation import Malformed
from regression_model.sales.sample import generate

ODD = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    3.0,
    2207,
    150,
    2**53,
    2**53 + 1,
    10**400,
    -(10**19),
    1e300,
]
ODD += ["", "1500", "NAmes", "None", "no such level", [], [1], {}, {"a": 1}, "\ud800"]


@pytest.fixture(scope="module")
def reader(model: Model) -> RowReader:
    return model.reader


@pytest.fixture(scope="module")
def some_houses(spec: Spec) -> list[dict[str, Any]]:
    table = generate(20, seed=5, spec=spec).drop(columns=spec.target.name)
    houses: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return houses


def assert_same(reader: RowReader, rows: list[Any]) -> Reading:
    quick, by_rules = reader.read(rows, from_json=True), reader.read(rows)
    np.testing.assert_array_equal(quick.matrix, by_rules.matrix)
    assert quick.matrix.dtype == by_rules.matrix.dtype == np.float32
    assert (quick.rows, list(quick.places)) == (by_rules.rows, list(by_rules.places))
    assert quick.known == by_rules.known
    assert (quick.ids, quick.errors, quick.warnings) == (
        by_rules.ids,
        by_rules.errors,
        by_rules.warnings,
    )
    return quick


def values_of(spec: Spec) -> st.SearchStrategy[tuple[str, Any]]:
    """A field, by any of its names, and a value that may or may not become it."""

    @st.composite
    def pair(draw: Any) -> tuple[str, Any]:
        f = draw(st.sampled_from(spec.features))
        name = draw(st.sampled_from([f.name, *f.aliases]))
        usual: list[Any] = [*f.levels, *f.spellings, f.minimum, f.maximum]
        for limit in f.range or ():
            usual += [
                limit,
                limit + 1e-9,
                limit - 1e-9,
                limit + 1,
                limit - 1,
                np.nextafter(limit, 0),
            ]
        usual = [v.item() if isinstance(v, np.generic) else v for v in usual]
        return name, draw(st.one_of(st.sampled_from(usual), st.sampled_from(ODD)))

    return pair()


@given(data=st.data())
def test_any_mixture_of_rows_is_read_as_by_the_rules(
    data: st.DataObject, reader: RowReader, spec: Spec, some_houses: list[dict[str, Any]]
) -> None:
    rows: list[Any] = []
    for _ in range(data.draw(st.integers(1, 6))):
        row: Any = dict(data.draw(st.sampled_from(some_houses)))
        for name in data.draw(st.lists(st.sampled_from(list(row)), max_size=3)):
            row.pop(name, None)
        row |= dict(data.draw(st.lists(values_of(spec), max_size=3)))
        rows.append(data.draw(st.sampled_from([row, row, row, None, "a house", [row], {}])))

    assert_same(reader, rows)


def test_every_single_odd_value_is_read_as_by_the_rules(
    reader: RowReader, spec: Spec, houses: list[dict[str, Any]]
) -> None:
    for f in spec.features:
        assert_same(reader, [{**houses[0], f.name: value} for value in ODD])


def test_each_field_may_be_missing(reader: RowReader, houses: list[dict[str, Any]]) -> None:
    rows = [{n: v for n, v in houses[0].items() if n != missing} for missing in houses[0]]

    assert len(assert_same(reader, rows).errors) == 4


def test_a_row_that_could_not_be_read_is_refused(reader: RowReader) -> None:
    assert assert_same(reader, [Malformed("cut off")]).errors[0]["code"] == "malformed_row"


def test_a_house_without_a_remark_is_read_the_quick_way(
    reader: RowReader, houses: list[dict[str, Any]]
) -> None:
    rows = [*houses, {**houses[0], "LotFrontage": 65.0}]
    remarked = {w["row"] for w in reader.read(rows).warnings}
    assert {i for i, row in enumerate(rows) if reader.plain.encode(row) is None} == remarked


@pytest.mark.parametrize("names", [{"GrLivArea"}, {"Neighborhood"}, {"GrLivArea", "Neighborhood"}])
def test_a_table_may_have_few_columns_and_no_dates(spec: Spec, names: set[str]) -> None:
    kept = names | {spec.target.name}
    few = {**spec.model_dump(), "features": [f for f in spec.features if f.name in kept]}
    reader = RowReader(Spec.model_validate(few), levels_seen={})
    rows = [{"GrLivArea": 1500, "Neighborhood": "NAmes"}, {"GrLivArea": -1}, {}]
    rows = [{n: v for n, v in row.items() if n in names} for row in rows]

    assert assert_same(reader, rows).places
