"""gunicorn's master loads nothing that a reload should renew: the standard library and itself."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.service import CONFIG, ROOT

MASTER = ROOT / "ml_api" / "master"

# What is loaded when the configuration was read, without what gunicorn itself loads.
LOADED = """
import json, os, runpy, sys
import gunicorn.util, gunicorn.workers.gthread
before = set(sys.modules)
runpy.run_path(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def run_by_the_configuration() -> list[Path]:
    """The files that the configuration names in ``runpy.run_path(str(ROOT / "a" / "b.py"))``."""
    calls = (
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(CONFIG.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "runpy.run_path"
    )
    return [Path(ROOT, *re.findall(r"'([^']+)'", call)) for call in calls]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, inside of functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_allowed(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names or module.startswith("ml_api.master")


def test_the_configuration_runs_files_that_exist() -> None:
    found = run_by_the_configuration()

    assert set(found) > {path for path in MASTER.glob("*.py") if path.name != "__init__.py"}
    assert all(path.is_file() for path in found)


@pytest.mark.parametrize("path", sorted({*run_by_the_configuration(), *MASTER.rglob("*.py")}))
def test_a_file_of_the_master_imports_the_standard_library_and_the_master(path: Path) -> None:
    modules = set(imported(ast.parse(path.read_text("utf-8"))))

    assert {module for module in modules if not is_allowed(module)} == set()


def test_the_configuration_itself_adds_gunicorn_and_leaves_the_service_to_workers() -> None:
    tree = ast.parse(CONFIG.read_text("utf-8"))
    at_once = {
        module.partition(".")[0]
        for module in imported(
            ast.Module(
                [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], []
            )
        )
    }
    lazily = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(not is_allowed(m) for m in imported(function))
    }

    assert at_once - sys.stdlib_module_names == {"gunicorn"}
    assert lazily == {"post_worker_init"}


def test_reading_the_configuration_loads_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(CONFIG)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert set(json.loads(done.stdout)) <= sys.stdlib_module_names
