"""An answer: every column of it, declared once.

A key of :class:`Prediction` says what it holds and, with :class:`Column`, how a table shows it.
JSON, tables, DataFrames, the contract of the service, MLflow's schema and the table in
``docs/api.md`` follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    NamedTuple,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import Field
from typing_extensions import TypedDict

from regression_model.explaining.comparables import Comparable
from regression_model.explaining.explain import Explanation
from regression_model.reading.issues import Errors, Issue, Issues, LeftOut, Warnings, left_out

CENTS = 2
FSD_DIGITS = 4


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
        Column("prediction", float, digits=CENTS),
    ]
    intervals: Annotated[
        list[Annotated[list[float], Field(min_length=2, max_length=2)] | None],
        Field(
            description="Lowest and highest price in dollars for each row, or null. Odd houses and "
            "houses with few known fields have wide ranges."
        ),
        Column("lower", float, digits=CENTS),
        Column("upper", float, digits=CENTS),
    ]
    fsd: Annotated[
        list[float | None],
        Field(
            description="Forecast standard deviation of each row as a share of the price, or null."
        ),
        Column("fsd", float, digits=FSD_DIGITS),
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


def table_names(identifier: str) -> list[str]:
    """Return the names of a table's columns; the first is that of the identifier in the input."""
    return [identifier, *(column.name for column in (*NUMBERS, *TEXTS))]


def columns_of(answer: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the columns of numbers, by name, of an answer."""
    columns = {}
    for entry in ENTRIES:
        for j, column in enumerate(entry.columns):
            if column in NUMBERS:
                values = answer[entry.key]
                if len(entry.columns) > 1:
                    values = [None if value is None else value[j] for value in values]
                columns[column.name] = values
    return columns


def assemble(
    values: Iterable[tuple[float, float, float, float]],
    known: Iterable[int],
    places: Iterable[int],
    *,
    ids: list[int | None],
    errors: Issues,
    warnings: Issues,
    caveats: Iterable[Issue],
    version: str,
    artifact: str,
) -> Prediction:
    """Return the answer to rows, of which ``ids`` has one for each.

    ``values`` and ``known`` have an element for each priced row, ``places`` the index of its row.
    """
    # Written out, because a loop over the columns would add 2% to the time of one house.
    rows = len(ids)
    predictions: list[float | None] = [None] * rows
    intervals: list[list[float] | None] = [None] * rows
    fsd: list[float | None] = [None] * rows
    counts: list[int | None] = [None] * rows
    for row, (price, low, high, deviation), count in zip(places, values, known, strict=True):
        predictions[row] = round(price, CENTS)
        intervals[row] = [round(low, CENTS), round(high, CENTS)]
        fsd[row] = round(deviation, FSD_DIGITS)
        counts[row] = count
    answer: Prediction = {
        "predictions": predictions,
        "intervals": intervals,
        "fsd": fsd,
        "known": counts,
        "errors": [*errors],
        "warnings": [*caveats, *warnings],
        "version": version,
        "artifact": artifact,
    }
    if errors.more or warnings.more:
        answer["omitted"] = left_out(errors, warnings)
    if ids.count(None) < rows:
        answer["ids"] = ids
    return answer
