"""What SECURITY.md promises is shown by tests and scenarios that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from reliability.catalogue import SCENARIOS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
PROMISES = re.findall(r"^\| (.+) \| (.+) \|$", TEXT.partition("## Not")[0], re.M)[1:]
TESTS = re.findall(r"\[test\]\((\S+?)#(\w+)\)", TEXT)
NAMED = re.findall(r"`([a-z]+(?:-[a-z]+)*)`", "".join(by for _, by in PROMISES))


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text("utf-8"))

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", NAMED)
def test_a_scenario_that_is_named_exists(name: str) -> None:
    assert name in SCENARIOS


@pytest.mark.parametrize(("promise", "by"), PROMISES)
def test_every_promise_is_shown(promise: str, by: str) -> None:
    assert re.fullmatch(r"(\[test\]\(\S+\)|`[a-z-]+`)(, (\[test\]\(\S+\)|`[a-z-]+`))*", by), promise


def test_every_scenario_is_named() -> None:
    assert set(SCENARIOS) == {name for name in SCENARIOS if f"`{name}`" in TEXT}
    assert len(PROMISES) > 15


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!tests/)[^)#]+)(?:#[^)]*)?\)", TEXT))
def test_a_page_that_is_linked_exists(path: str) -> None:
    assert (ROOT / path).is_file()
