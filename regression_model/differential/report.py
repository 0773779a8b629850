"""A differential test as sections: the verdict first, then what moved and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regression_model.differential import tables
from regression_model.differential.compare import Difference
from regression_model.differential.limits import Check, leading_fields
from regression_model.errors import InvalidInput
from regression_model.files.atomic_file import write_text
from regression_model.model import Model
from regression_model.pages.blocks import Block, Figure, Prose, Section

TITLE = "What does the new model change?"
NOTHING_RELEASED = (
    "The package index has no release of this package yet: there is nothing to compare with, and "
    "nothing was compared."
)
_PAGES, _MARKDOWN = (".html", ".htm"), (".md",)


def verdict(difference: Difference, checks: Sequence[Check]) -> str:
    """Return all checks in a sentence, and the fields to look at where one failed."""
    failed = sum(not check.passed for check in checks)
    if not difference.log_ratio.any() and not difference.refusals:
        return "No difference: both models give the same prices."
    if failed:
        fields = leading_fields(difference)
        where = f" Contributions changed most of: {fields}." if fields else ""
        return f"{failed} of {len(checks)} changes are past their limits.{where}"
    return f"All {len(checks)} changes are within their limits."


def notes(difference: Difference) -> list[str]:
    """Return what to know before believing the figures of known prices."""
    studies, found = difference.studies, list(difference.houses.notices)
    if studies is not None and (studies.old_has_seen or studies.new_has_seen):
        both = studies.old_has_seen and studies.new_has_seen
        who = (
            "Both models were"
            if both
            else f"The {'old' if studies.old_has_seen else 'new'} model was"
        )
        found.append(
            f"{who} trained on these sales: accuracy, ratios and coverage look better than they "
            "are. Moves are not affected."
        )
    return found


def sections(
    difference: Difference, checks: Sequence[Check], figures: Sequence[Figure] = ()
) -> list[Section]:
    """Return all of it, with ``figures`` of the moves where these are wanted."""
    return [
        _verdict(difference, checks),
        _movement(difference, figures),
        _movers(difference),
        _fields(difference),
        *_sales(difference),
        *_refusals(difference),
        _descriptions(difference),
    ]


def facts(old: Model | None, new: Model, checks: Sequence[Check]) -> dict[str, str]:
    """Return which models were compared."""
    named = {"old": "none released" if old is None else _named(old), "new": _named(new)}
    if old is None:
        return named
    return {**named, "past limits": f"{sum(not c.passed for c in checks)} of {len(checks)}"}


def _named(model: Model) -> str:
    info = model.info()
    return f"{info['artifact']} ({info['data']})"


def _verdict(difference: Difference, checks: Sequence[Check]) -> Section:
    blocks: list[Block] = [
        Prose(verdict(difference, checks)),
        Prose(tables.counts(difference)),
        *(Prose(note) for note in notes(difference)),
        tables.check_table(checks),
    ]
    return Section("Verdict", blocks)


def _movement(difference: Difference, figures: Sequence[Figure]) -> Section:
    blocks: list[Block] = [
        Prose(
            "A move is by how much the higher of a house's two prices exceeds the lower, the "
            "same in both directions; shift is the median of new / old, with its sign."
        ),
        tables.movement_table([difference.overall], of=""),
        *figures,
        tables.movement_table(difference.deciles, of="price"),
    ]
    if difference.locations:
        blocks.append(tables.movement_table(difference.locations, of="location"))
    return Section("What moved", blocks)


def _movers(difference: Difference) -> Section:
    if not difference.movers:
        moved = difference.overall.largest_move > 0
        text = "None is shown." if moved else "No house moved."
        return Section("Biggest movers", [Prose(text)])
    text = (
        "What each field adds to the price of the typical house of the table, in the old and in "
        "the new model (Shapley values of the logarithm of the price, as percentages): the fields "
        "that changed most. Rows count from 0."
    )
    return Section("Biggest movers", [Prose(text), tables.mover_table(difference.movers)])


def _fields(difference: Difference) -> Section:
    fields = tables.field_table(difference.fields)
    answers = tables.reaction_table(difference.reactions)
    if not fields.rows and not answers.rows:
        return Section("Fields", [Prose("No field adds more or less than it did.")])
    return Section(
        "Fields",
        [
            Prose(
                "What fields add to or take from a price, on average over a sample of the houses, "
                "and how far that changed. The fields of a changed coefficient or a swap stand on "
                "top."
            ),
            fields,
            Prose(
                "What prices do when a field is hidden, or set beyond its declared range (against "
                "the edge of the range, where a model that holds values there does nothing)."
            ),
            answers,
        ],
    )


def _sales(difference: Difference) -> list[Section]:
    if difference.studies is None:
        return []
    return [Section("Against known prices", [tables.study_table(difference.studies)])]


def _refusals(difference: Difference) -> list[Section]:
    if not difference.refusals:
        return []
    return [Section("Refused by one model", [tables.refusal_table(difference.refusals)])]


def _descriptions(difference: Difference) -> Section:
    if not difference.descriptions:
        return Section("What the descriptions say", [Prose("They say the same.")])
    more = len(difference.descriptions) - tables.MAX_LINES
    rest = [Prose(f"{more} more are in --json.")] if more > 0 else []
    table = tables.description_table(difference.descriptions)
    return Section("What the descriptions say", [table, *rest])


def write_report(path: Path, difference: Difference, checks: Sequence[Check]) -> None:
    """Write what was found as HTML with plots or as Markdown, by the extension of ``path``."""
    page = is_page(path)
    figures: Sequence[Figure] = ()
    if page:
        from regression_model.differential.plots import figures as drawn

        figures = drawn(difference)
    found = sections(difference, checks, figures)
    _write(path, tables.counts(difference), facts(difference.old, difference.new, checks), found)


def write_nothing_released(path: Path, new: Model) -> None:
    """Write a report that says that there is nothing to compare ``new`` with."""
    found = [Section("Verdict", [Prose(NOTHING_RELEASED)])]
    _write(path, "The first release", facts(None, new, []), found)


def is_page(path: Path) -> bool:
    """Return whether ``path`` names an HTML page; :class:`InvalidInput` unless that or Markdown."""
    extension = path.suffix.lower()
    if extension not in (*_PAGES, *_MARKDOWN):
        expected = ", ".join((*_PAGES, *_MARKDOWN))
        raise InvalidInput(f"{path.name}: unknown kind of report; expected {expected}")
    return extension in _PAGES


def _write(path: Path, subtitle: str, named: dict[str, str], found: Sequence[Section]) -> None:
    if is_page(path):
        from regression_model.pages.page import render_page as render
    else:
        from regression_model.pages.markdown import render_markdown as render
    text = render(title=TITLE, subtitle=subtitle, facts=named, sections=found)
    write_text(path, text)
