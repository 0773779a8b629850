"""``regression-model explain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regression_model.cli.files import FileCommand, InputPath
from regression_model.cli.screen import artifact_option, json_option, print_json, results

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from regression_model.answer import Prediction
    from regression_model.config.spec import Spec
    from regression_model.explaining.comparables import Comparable
    from regression_model.explaining.explain import Explanation

SHOWN = 12


@click.command("explain", cls=FileCommand)
@click.argument("source", metavar="INPUT", type=InputPath())
@click.option(
    "--row",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which house of INPUT; the first is 0.",
)
@artifact_option
@json_option
def command(source: Path, row: int, artifact: Path | None, as_json: bool) -> None:
    """Show why a house has its price, and what similar ones were sold for.

    INPUT is a table (.csv, .parquet, .ndjson) or a .json file with a house or a list of houses.
    The amounts are differences from the typical house of the location.

    \b
      regression-model explain houses.csv
      regression-model explain houses.csv --row 3 --json
    """
    from regression_model.errors import InvalidInput
    from regression_model.predict import load_model

    model = load_model(artifact)
    given = _row(source, row, model.spec)
    result = model.predict_rows([given], explain=True)
    if result["errors"]:
        reasons = "; ".join(error["message"] for error in result["errors"])
        raise InvalidInput(f"row {row} of {source.name} has no price: {reasons}")
    if as_json:
        print_json(result)
        return
    (house,) = model.validate([given])["inputs"]
    _show(result, house or {}, model.spec, title=f"Row {row} of {source.name}")


def _row(source: Path, row: int, spec: Spec) -> Any:
    from regression_model.errors import InvalidInput

    count = 0
    for count, given in enumerate(_rows(source, spec), 1):
        if count == row + 1:
            return given
    raise InvalidInput(f"{source.name} has {count} row(s), counted from 0; there is no row {row}")


def _rows(source: Path, spec: Spec) -> Iterator[Any]:
    from regression_model.errors import InvalidInput
    from regression_model.reading.tables import TableReader
    from regression_model.reading.validation import parse_request

    if source.suffix.lower() != ".json":
        for chunk in TableReader(source, spec).chunks():
            yield from chunk
        return
    try:
        yield from parse_request(source.read_bytes()).rows
    except OSError as error:
        raise InvalidInput(f"{source}: cannot be read: {error.strerror or error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{source.name}: {error}") from error


def _show(result: Prediction, house: Mapping[str, Any], spec: Spec, *, title: str) -> None:
    console = results()
    (price,), (interval,), (fsd,) = result["predictions"], result["intervals"], result["fsd"]
    (explanation,), (comparables,) = result["explanations"], result["comparables"]
    if price is None or interval is None or fsd is None:
        return
    if explanation is None or comparables is None:
        return
    low, high = interval
    console.print(f"[bold]{title}: {_dollars(price)}[/bold]")
    console.print(f"{spec.coverage:.0%} range {_dollars(low)} to {_dollars(high)}, FSD {fsd:.1%}")
    for warning in result["warnings"]:
        console.print(f"note: {warning['message']}", style="yellow", markup=False)
    console.print(f"\nAgainst the {explanation['baseline']['name']}:", markup=False)
    console.print(_contributions(console, price, explanation, house, spec))
    console.print(
        "The amounts add up to the price less that of the typical house. Each is an estimate, "
        f"with a standard error of at most {_dollars(explanation['standard_error'])}.",
        style="dim",
    )
    console.print()
    console.print(_comparables(comparables))
    if any(sale["synthetic"] for sale in comparables):
        console.print(
            "These sales are SYNTHETIC: the model was trained on generated houses. "
            "None of them was ever sold.",
            style="bold red",
        )


def _contributions(
    console: Console,
    price: float,
    explanation: Explanation,
    house: Mapping[str, Any],
    spec: Spec,
) -> Table:
    from rich.table import Table

    baseline = explanation["baseline"]
    adding = {name: v for name, v in explanation["contributions"].items() if v}
    shown = list(adding.items())[:SHOWN]
    rest = list(adding.values())[SHOWN:]
    alike = len(explanation["contributions"]) - len(adding)
    half = min(max((console.width - 61) // 2, 5), 20)
    largest = abs(shown[0][1]) if shown else 1.0

    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    table.add_column("field", "price", footer_style="bold", no_wrap=True)
    table.add_column("this house", justify="right", overflow="fold", max_width=11)
    table.add_column("typical", justify="right", overflow="fold", max_width=11)
    table.add_column("", no_wrap=True)
    table.add_column("adds", _dollars(price), footer_style="bold", justify="right", no_wrap=True)
    table.add_row("typical house", "", "", "", _dollars(baseline["price"]))
    for name, value in shown:
        ours, typical = _value(name, house, spec), _value(name, baseline["house"], spec)
        table.add_row(name, ours, typical, _bar(value / largest, half), _signed(value))
    if rest:
        bar = _bar(max(-1.0, min(1.0, sum(rest) / largest)), half)
        table.add_row(f"{len(rest)} other fields", "", "", bar, _signed(sum(rest)))
    if alike:
        table.add_row(f"{alike} fields add nothing", "", "", "", "$0")
    return table


def _comparables(comparables: list[Comparable]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for name in ("similar sales", "sold", "similarity", "price", "adjusted to this house"):
        table.add_column(name, justify="left" if name in ("similar sales", "sold") else "right")
    for number, sale in enumerate(comparables, 1):
        table.add_row(
            f"{number}." if sale["id"] is None else f"Id {sale['id']}",
            sale["sold"] or "",
            f"{sale['similarity']:.1%}",
            _dollars(sale["price"]),
            _dollars(sale["adjusted_price"]),
        )
    return table


def _bar(share: float, half: int) -> Text:
    """Return a bar to the left or the right of the middle, in steps of half a character."""
    from rich.text import Text

    whole, part = divmod(round(2 * half * abs(share)), 2)
    if share < 0:
        bar = "▐" * part + "█" * whole
        return Text.assemble((bar.rjust(half), "red"), "│", " " * half)
    bar = "█" * whole + "▌" * part
    return Text.assemble(" " * half, "│", (bar.ljust(half), "green"))


def _value(name: str, house: Mapping[str, Any], spec: Spec) -> str:
    feature = spec.feature(name)
    value = house.get(name)
    if value is None:
        return str(feature.null_means) if name in house else "unknown"
    if isinstance(value, str) or feature.has_levels or feature.kind == "year":
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f"{value:,.10g}"


def _dollars(amount: float) -> str:
    return f"${amount:,.0f}"


def _signed(amount: float) -> str:
    return f"{'-' if amount < 0 else '+'}${abs(amount):,.0f}"
