"""The README's table of speed: one figure a line, beside the usual way to do the same work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks import markdown
from benchmarks.peers import FLOOR, OURS
from regression_model.files.atomic_file import write_text
from tools.measuring.markdown import table
from tools.measuring.published import Found

BLOCK = re.compile(r"(<!-- figures of tox -e bench -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def update_readme(found: Found, readme: Path) -> None:
    """Replace the README's table of speed. Raises SystemExit where its place is not marked."""
    text = readme.read_text("utf-8")
    if not BLOCK.search(text):
        raise SystemExit(
            f"{readme.name}: the comments around the figures are gone: {BLOCK.pattern}"
        )
    write_text(readme, BLOCK.sub(lambda m: f"{m[1]}\n{figures(found)}\n\n{m[2]}", text))


def figures(found: Found) -> str:
    """Make the table; a section that was not measured has no line."""
    rows = [*_serving(found), *_in_process(found), *_tables(found)]
    return table(["speed", "this project", "the usual way"], rows, "lrl")


def _serving(found: Found) -> Iterator[list[str]]:
    servers = found.get("serving", {}).get("servers", {})
    rates = {
        server["title"]: markdown.median(server["rate_8"])
        for name, server in servers.items()
        if "rate_8" in server and name not in (OURS, FLOOR)
    }
    if rates and "rate_8" in servers.get(OURS, {}):
        fastest = max(rates, key=lambda title: rates[title])
        ours = markdown.per_second(markdown.median(servers[OURS]["rate_8"]))
        usual = f"{markdown.per_second(rates[fastest])} (the fastest of {len(rates)}: {fastest})"
        yield ["HTTP requests a second, one worker process, one house a request", ours, usual]


def _in_process(found: Found) -> Iterator[list[str]]:
    if "in_process" in found:
        ours, usual = (
            markdown.seconds(markdown.median(found["in_process"][name]))
            for name in (OURS, "pandas")
        )
        yield ["one house in Python", ours, f"{usual} (scikit-learn on pandas)"]


def _tables(found: Found) -> Iterator[list[str]]:
    both = [run for run in found.get("batch", []) if run["format"] == "csv" and "pandas" in run]
    if both:
        longest = max(both, key=lambda run: int(run["rows"]))
        ours, usual = (
            f"{markdown.rows_per_second(longest, name):,.0f}" for name in (OURS, "pandas")
        )
        what = f"rows a second, CSV to CSV, {longest['rows']:,} rows, two cores"
        yield [what, ours, f"{usual} (scikit-learn on pandas)"]
