"""The command `explore`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.version import DISTRIBUTION, VERSION


def test_explore_says_what_deserves_a_look_and_writes_a_page(
    call: Callable[..., Result], sold: Path, table: Path
) -> None:
    result = call("explore", "--data", table, "--against", sold, "--report", "page.html")

    assert result.exit_code == 0
    assert "houses.csv: 3 rows, 4 columns" in result.stdout
    assert "GrLivArea must lie in" in result.stdout
    assert "'Nowhere' is not a level of Neighborhood" in result.stdout
    assert result.stderr.rstrip().endswith("page written to page.html")
    page = Path("page.html").read_text("utf-8")
    assert "<h1>Exploration of houses.csv</h1>" in page
    assert "Differences from sales.csv" in page


def test_explore_answers_in_json(call: Callable[..., Result], sold: Path) -> None:
    result = call("explore", "--data", sold, "--report", "page.html", "--json")

    told = json.loads(result.stdout)
    assert (told["report"], told["table"]["rows"], told["against"]) == ("page.html", 200, None)
    assert not [f for f in told["findings"] if f["weight"] == "refused"]
    assert told["target"][0]["share"] > 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--data", "houses.txt"], "unknown kind of table; expected .csv"),
        (["--data", "notes.csv"], "no column of a house in the header"),
        (["--data", "houses.csv", "--against", "absent.csv"], "absent.csv: cannot be read"),
        (["--data", "houses.csv", "--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--data", "houses.csv", "--report", "page.pdf"], "name a file that ends with .html"),
        (["--data", "houses.csv", "--report", "absent/page.html"], "cannot be written"),
    ],
)
def test_explore_refuses_what_it_cannot_use(
    call: Callable[..., Result], table: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    report = [] if "--report" in arguments else ["--report", "page.html"]

    result = call("explore", *arguments, *report)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(("package", "purpose"), [("matplotlib", "A plot"), ("jinja2", "A page")])
def test_without_the_libraries_of_reports_explore_says_what_to_install(
    run: Callable[..., Any], table: Path, package: str, purpose: str
) -> None:
    ended = run("explore", "--data", table, "--report", "page.html", absent=package)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: {purpose} needs {package}, which is not installed. "
        f'Install it with: {sys.executable} -m pip install "{DISTRIBUTION}[report]=={VERSION}"\n'
    )
