"""docs/architecture.md names what is there, and leaves no room out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "regression_model"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)*(?:\.py|/))`")  # a file of code or a folder
DOTTED = re.compile(r"`((?:regression_model|ml_api)(?:\.\w+)+)(?::\w+)?`")


def missing_of(line: str) -> list[str]:
    """Return the paths named in a line that exist neither in the package nor beside an earlier one."""
    folders, missing = [ROOT, PACKAGE], []
    for name in NAMED.findall(line):
        found = next((f / name for f in folders if (f / name).exists()), None)
        if found is None:
            missing.append(name)
        else:
            folders.append(found if found.is_dir() else found.parent)
    return missing


def test_every_path_that_the_page_names_is_there() -> None:
    missing = {line: missing_of(line) for line in PAGE.splitlines() if missing_of(line)}

    assert len(NAMED.findall(PAGE)) > 80
    assert missing == {}


def test_every_module_that_the_page_names_is_there() -> None:
    named = set(DOTTED.findall(PAGE))

    assert "regression_model.tracking.pyfunc" in named
    for name in named:
        path = ROOT.joinpath(*name.split("."))
        assert path.with_suffix(".py").is_file() or path.is_dir(), name


@pytest.mark.parametrize("package", ["regression_model", "ml_api"])
def test_every_room_has_its_line(package: str) -> None:
    rooms = {
        path.name
        for path in (ROOT / package).iterdir()
        if (path / "__init__.py").exists()
        or (package == "regression_model" and path.suffix == ".py" and path.name[0] != "_")
    }
    prefix = "" if package == "regression_model" else f"{package}/"
    assert len(rooms) > 4
    assert {room for room in rooms if f"`{prefix}{room}" not in PAGE} == set()
