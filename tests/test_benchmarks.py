"""The benchmarks run, and what is published is what was measured. No test asserts a speed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "docs" / "benchmarks" / "results.json"


def run_benchmarks(folder: Path, *arguments: str, **settings: str) -> str:
    """Run them with what they import, and nothing else of the checkout, on the import path."""
    path = folder / "path"
    path.mkdir(parents=True)
    for name in ("benchmarks", "tools"):
        path.joinpath(name).symlink_to(ROOT / name)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks", "--output", str(folder), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path), **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def smoke(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    run_benchmarks(folder, "--smoke", "--artifact", str(artifact))
    return folder


@pytest.fixture(scope="module")
def found(smoke: Path) -> Any:
    return json.loads((smoke / "benchmarks" / "results.json").read_text("utf-8"))


@pytest.mark.conformance
@pytest.mark.process
@pytest.mark.parametrize("name", ["ours", "constant", "flask"])
def test_a_server_is_measured_over_http(found: Any, name: str) -> None:
    server = found["serving"]["servers"][name]
    figures = ["first_answer", "worker", "memory"]
    if shutil.which("wrk"):
        figures += ["rate_1", "p50_1", "rate_8", "p50_8"]

    assert found["serving"]["failed"] == {}
    assert all(min(server[figure]) > 0 for figure in figures)
    assert server["memory"] >= server["worker"]


def test_both_ways_are_measured_in_process(found: Any) -> None:
    assert len(found["in_process"]["ours"]) == len(found["in_process"]["pandas"]) > 1
    assert min(found["imports"]["import regression_model"]) > 0


@pytest.mark.parametrize("what", ["rows", "trees", "features"])
def test_growth_has_both_ways_at_each_size(found: Any, what: str) -> None:
    for row in found["growth"][what]:
        assert row["size"] > 0
        assert len(row["ours"]) == len(row["pandas"]) > 1


def test_tables_are_valued_both_ways(found: Any) -> None:
    assert {table["format"] for table in found["batch"]} == {"csv", "parquet"}
    for table in found["batch"]:
        for run in table["ours"] + table["pandas"]:
            assert run["seconds"] > 0
            assert run["memory"] > 2**20


def test_the_page_has_a_table_of_servers_and_the_plots_it_shows(smoke: Path) -> None:
    page = (smoke / "benchmarks.md").read_text("utf-8")

    assert "| **this service** |" in page
    assert "$" not in page.replace("tox -e bench", "")
    for name in ("growth", "batch"):
        assert f"(benchmarks/{name}.svg)" in page
        assert "</svg>" in (smoke / "benchmarks" / f"{name}.svg").read_text("utf-8")


@pytest.mark.conformance
@pytest.mark.process
def test_a_server_that_does_not_start_is_reported_and_stops_no_other(
    artifact: Path, tmp_path: Path
) -> None:
    told = run_benchmarks(
        tmp_path,
        *("--smoke", "--artifact", str(artifact)),
        *("--only", "constant,vetiver", "--sections", "serving"),
    )
    found = json.loads((tmp_path / "benchmarks" / "results.json").read_text("utf-8"))["serving"]

    assert set(found["failed"]) == {"vetiver"}
    assert found["servers"]["constant"]["first_answer"]
    assert "first_answer" not in found["servers"]["vetiver"]
    assert f"Vetiver: {found['failed']['vetiver']}" in told


@pytest.mark.conformance
@pytest.mark.process
def test_without_wrk_servers_are_checked_and_the_page_says_what_to_install(
    artifact: Path, tmp_path: Path
) -> None:
    told = run_benchmarks(
        tmp_path,
        *("--smoke", "--artifact", str(artifact), "--only", "constant", "--sections", "serving"),
        PATH=str(Path(sys.executable).parent),
    )
    found = json.loads((tmp_path / "benchmarks" / "results.json").read_text("utf-8"))["serving"]

    assert found["loaded"] is False
    assert found["servers"]["constant"]["first_answer"]
    assert "install it (apt-get install wrk" in told


def test_the_published_page_and_tables_are_those_of_the_published_results(tmp_path: Path) -> None:
    run_benchmarks(tmp_path, "--render", str(PUBLISHED))

    assert (tmp_path / "benchmarks.md").read_bytes() == (
        PUBLISHED.parent.with_suffix(".md")
    ).read_bytes()


def test_the_speed_in_the_readme_is_that_of_the_published_results(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (tmp_path / "README.md").write_text(text.replace("| one house in Python |", "| an old line |"))

    code = (
        "import json, pathlib; from benchmarks.readme import update_readme; "
        f"found = json.loads(pathlib.Path({str(PUBLISHED)!r}).read_text('utf-8')); "
        f"update_readme(found, pathlib.Path({str(tmp_path / 'README.md')!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )

    assert (tmp_path / "README.md").read_text("utf-8") == text


def test_only_older_environments_of_the_server_are_removed(tmp_path: Path) -> None:
    for name in ("flask-0123abcd", "flask-notes", "flask-4567abcd", "mlflow-0123abcd"):
        (tmp_path / name).mkdir()
    for name in ("flask-0123abcd", "flask-notes", "mlflow-0123abcd"):
        (tmp_path / name / "pyvenv.cfg").touch()

    code = f"from benchmarks.environments import remove_stale, Path; remove_stale(Path({str(tmp_path)!r}), 'flask')"
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"flask-notes", "flask-4567abcd", "mlflow-0123abcd"}
