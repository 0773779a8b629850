"""What the README and the first steps tell people to type works, and every page can be found."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from regression_model.cli import group

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
TEXT = (DOCS / "first-steps.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SHELL = "".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S))
COMMANDS = re.findall(r"^regression-model (.+?)\s*(?:#.*)?$", SHELL, re.M)


def test_the_python_example_gives_what_its_comments_promise(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {}

    exec(compile(code, "first-steps.md", "exec"), names)  # noqa: S102  # the page's own example

    result = names["result"]
    price, refused = result["predictions"]
    low, high = result["intervals"][0]
    assert low < price < high
    assert refused is None
    assert result["intervals"][1] is None
    (error,) = result["errors"]
    assert (error["row"], error["field"], error["code"]) == (1, "GrLivArea", "impossible_value")


@pytest.mark.process
def test_the_commands_work_one_after_the_other(
    artifact: Path, tmp_path: Path, small_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    monkeypatch.chdir(tmp_path)
    small = small_config.read_text()
    monkeypatch.setattr("regression_model.config.reader.bundled_config", lambda: small)
    runner = CliRunner()
    assert len(COMMANDS) == 7
    runner.invoke(group, ["sample", "800", "--output", "train.csv"], catch_exceptions=False)

    for command in COMMANDS:
        done = runner.invoke(group, shlex.split(command), catch_exceptions=False)
        assert done.exit_code == 0, f"{command}: {done.output}"

    assert len(Path("prices.csv").read_text().splitlines()) == 1001
    assert Path("models/CURRENT").is_file()
    assert "</html>" in Path("table.html").read_text()
    assert "</html>" in Path("report.html").read_text()


def test_the_curl_example_is_a_house_the_model_prices(model: Any) -> None:
    (body,) = {*re.findall(r"curl .*?-d '(.+?)'", README + TEXT, re.S)}

    result = model.predict_json(body.encode())

    assert result["errors"] == []
    assert result["predictions"][0] > 0
    assert set(json.loads(body)) == {f.name for f in model.spec.features if f.required}


def test_the_answer_in_the_readme_has_the_keys_of_an_answer(model: Any) -> None:
    (body,) = re.findall(r"curl .*?-d '(.+?)'", README, re.S)
    (answer,) = re.findall(r"```json\n(.*?)```", README, re.S)

    assert list(json.loads(answer)) == list(model.predict_json(body.encode()))


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= 8192


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = DOCS / "README.md"
    linked = {page for page, _ in _linked(contents)}

    assert {page for page in PAGES if DOCS in page.parents} - linked - {contents} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    missing = [
        f"{target.name}#{anchor}"
        for target, anchor in _linked(page)
        if not target.exists()
        or (anchor and target.suffix == ".md" and anchor not in _anchors(target))
    ]

    assert missing == []


def _linked(page: Path) -> list[tuple[Path, str]]:
    """Return the file and the anchor of each relative link of ``page``."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", prose)
    return [((page.parent / name).resolve() if name else page, anchor) for name, anchor in links]


def _anchors(page: Path) -> set[str]:
    """Return the anchors that a reader of Markdown makes of the headings of ``page``."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = (re.sub(r"\]\([^)]*\)", "", text) for text in re.findall(r"^#+ (.+)$", prose, re.M))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_variable_of_the_environment_is_documented() -> None:
    said = README + "".join(path.read_text("utf-8") for path in DOCS.glob("*.md"))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "regression_model").rglob("*.py"))
    variables = set(re.findall(r'"((?:REGRESSION_MODEL|KAGGLE)_[A-Z_]+)"', code))

    assert {"REGRESSION_MODEL_ARTIFACT", "KAGGLE_KEY"} <= variables
    assert {name for name in variables if f"`{name}`" not in said} == set()
