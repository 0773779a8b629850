"""An answer: every column of it, declared once.

A key of :class:`Prediction` says what it holds and, with :class:`Column`, how a table shows it.
JSON, tables, DataFrames, the contract of the service, MLflow's schema and the table in
``docs/api.md`` follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    NamedTuple,
    NotRequired,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import Field
from typing_extensions import TypedDict

from regression_model.explaining.comparables import Comparable
from regression_model.explaining.explain import Explanation
from regression_model.reading.issues import Errors, Issue, Issues, LeftOut, Warnings, left_out


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, the type of its cells, and to how many digits it is rounded.

    Columns of numbers stand in the order in which a row's numbers are computed: the fields of
    :class:`regression_model.scorer.Valuation`, then the number of known fields.
    """

    name: str
    kind: type[int | float | str]
    digits: int | None = None


class Prediction(TypedDict):
    """Prices with what is to be said of them; lists have one entry for each row of the input."""

    ids: NotRequired[
        Annotated[
            list[int | None],
            Field(description="The identifier of each row, or null; where one was given."),
            Column("identifier", int),
        ]
    ]
    predictions: Annotated[
        list[float | None],
        Field(description="A price in dollars for each row, or null."),
        Column("prediction", float, digits=2),
    ]
    intervals: Annotated[
        list[Annotated[list[float], Field(min_length=2, max_length=2)] | None],
        Field(description="Lowest and highest price in dollars for each row, or null."),
        Column("lower", float, digits=2),
        Column("upper", float, digits=2),
    ]
    fsd: Annotated[
        list[float | None],
        Field(description="Forecast standard deviation as a share of the price, or null."),
        Column("fsd", float, digits=4),
    ]
    known: Annotated[
        list[int | None],
        Field(
            description="How many fields of each house are known, or null for a row without a "
            "price. A null counts where it means that the house has none; an undeclared level "
            "does not count."
        ),
        Column("known", int),
    ]
    errors: Annotated[Errors, Column("errors", str)]
    warnings: Annotated[Warnings, Column("warnings", str)]
    omitted: NotRequired[LeftOut]
    version: Annotated[str, Field(description="The version of the model.")]
    artifact: Annotated[
        str,
        Field(description="Which model answered: its version and the beginning of its digest."),
    ]
    explanations: NotRequired[
        Annotated[
            list[Explanation | None],
            Field(description="Why each row has its price, or null; where asked for."),
        ]
    ]
    comparables: NotRequired[
        Annotated[
            list[list[Comparable] | None],
            Field(description="The sales most similar to each row, or null; where asked for."),
        ]
    ]


class Entry(NamedTuple):
    """A key of an answer, what it means, and its columns in a table."""

    key: str
    description: str
    columns: tuple[Column, ...]


def _entries() -> Iterator[Entry]:
    for key, hint in get_type_hints(Prediction, include_extras=True).items():
        declared = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
        notes = declared.__metadata__
        (description,) = (n.description for n in notes if not isinstance(n, Column))
        yield Entry(key, description, tuple(n for n in notes if isinstance(n, Column)))


ENTRIES = tuple(_entries())
COLUMNS = tuple(column for entry in ENTRIES for column in entry.columns)
IDENTIFIER, *_others = COLUMNS
NUMBERS = tuple(column for column in _others if column.kind is not str)
TEXTS = tuple(column for column in _others if column.kind is str)
_ROUNDED = tuple((column.name, column.digits) for column in NUMBERS)
_NAMES_OF_NUMBERS = {
    entry.key: names
    for entry in ENTRIES
    if (names := [column.name for column in entry.columns if column in NUMBERS])
}


def table_names(identifier: str) -> list[str]:
    """Return the names of a table's columns; the first is that of the identifier in the input."""
    return [identifier, *(column.name for column in (*NUMBERS, *TEXTS))]


def columns_of_rows(
    values: Sequence[tuple[float, ...]], places: Sequence[int], rows: int
) -> dict[str, list[Any]]:
    """Return columns of numbers, by name, from the numbers of priced rows.

    ``places`` says which of the ``rows`` are priced; all others have None.
    """
    columns: dict[str, list[Any]] = {name: [None] * rows for name, _ in _ROUNDED}
    for place, row in zip(places, values, strict=True):
        for number, (name, digits) in zip(row, _ROUNDED, strict=True):
            columns[name][place] = round(number, digits)
    return columns


def columns_of(answer: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the columns of numbers, by name, of an answer."""
    columns = {}
    for key, names in _NAMES_OF_NUMBERS.items():
        if len(names) == 1:
            columns[names[0]] = answer[key]
            continue
        for j, name in enumerate(names):
            columns[name] = [None if value is None else value[j] for value in answer[key]]
    return columns


def assemble(
    columns: Mapping[str, list[Any]],
    *,
    ids: list[int | None],
    errors: Issues,
    warnings: Issues,
    caveats: Iterable[Issue],
    model: Mapping[str, str],
) -> Prediction:
    """Return the answer with these columns of numbers: the opposite of :func:`columns_of`.

    ``model`` has its ``version`` and ``artifact``.
    """
    answer: dict[str, Any] = {
        key: columns[names[0]] if len(names) == 1 else _joined([columns[name] for name in names])
        for key, names in _NAMES_OF_NUMBERS.items()
    }
    answer["errors"] = [*errors]
    answer["warnings"] = [*caveats, *warnings]
    if errors.more or warnings.more:
        answer["omitted"] = left_out(errors, warnings)
    answer |= model
    if ids.count(None) < len(ids):
        answer["ids"] = ids
    return cast(Prediction, answer)


def _joined(columns: Sequence[list[Any]]) -> list[list[Any] | None]:
    """Cells of the same row in one list, or None where the row has none."""
    return [None if cells[0] is None else [*cells] for cells in zip(*columns, strict=True)]
