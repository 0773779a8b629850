"""The lists of what a release is installed with are complete, and every licence is allowed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.release import sbom

ROOT = Path(__file__).resolve().parents[2]
Tool = Callable[..., subprocess.CompletedProcess[str]]
LOCKS = ("serving", "serving-registry", "training")


def component(name: str, version: str, *licences: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "licenses": [*licences]}


def declared(**told: str) -> dict[str, Any]:
    return {"license": told}


MIT = declared(id="MIT")
OURS = component("house-price-regression", "1.0.0", MIT)
LOCK = "numpy==2.4.6 \\\n    --hash=sha256:00\ncolorama==0.4.6 ; os_name == 'nt' \\\n    --hash=sha256:11\n"


def test_a_complete_list_passes() -> None:
    sbom.check_complete("s", [OURS, component("NumPy", "2.4.6", MIT)], LOCK)


@pytest.mark.parametrize(
    ("found", "lock", "reason"),
    [
        ([], LOCK, "s lists nothing that was to be listed: 0 components"),
        ([OURS], "", "s lists nothing that was to be listed"),
        ([component("numpy", "2.4.6", MIT)], LOCK, "s lists nothing that was to be listed"),
        ([OURS], LOCK, r"s lacks numpy 2\.4\.6"),
        ([OURS, component("numpy", "2.4.5", MIT)], LOCK, r"s lacks numpy 2\.4\.6"),
    ],
)
def test_a_list_that_lacks_something_is_refused(found: list[Any], lock: str, reason: str) -> None:
    with pytest.raises(sbom.Refused, match=reason):
        sbom.check_complete("s", found, lock)


@pytest.mark.parametrize("name", LOCKS)
def test_every_lock_is_read_whole(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    with pytest.raises(sbom.Refused, match=r"lacks .*numpy") as refused:
        sbom.check_complete(name, [OURS], lock)

    for_every_platform = [line for line in lock.splitlines() if "==" in line and ";" not in line]
    assert str(refused.value).count(",") == len(for_every_platform) - 1


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", True),
        ("BSD License", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only", False),
        ("GPL-2.0-only OR GPL-3.0-only", False),
        ("", False),
        ("UNKNOWN", False),
    ],
)
def test_what_is_allowed(licence: str, expected: bool) -> None:
    assert sbom.allowed(licence) is expected


def test_the_table_says_where_a_package_is_installed() -> None:
    click = component("click", "8.0", declared(name="License :: OSI Approved :: BSD License"))
    both = component("Rich", "15.0", declared(id="MIT"), declared(name="MIT License"))

    table = sbom.licences({"serving": [click, both], "training": [both]})

    assert table.splitlines()[2:] == [
        "| click 8.0 | BSD License | serving |",
        "| rich 15.0 | MIT | serving, training |",
    ]


@pytest.mark.parametrize("licences", [[], [declared(id="GPL-3.0-only")], [{"expression": "X"}]])
def test_a_licence_that_is_not_allowed_is_refused(licences: list[Any]) -> None:
    with pytest.raises(sbom.Refused, match=r"odd 1\.0 is under (nothing|GPL-3\.0-only|X): read"):
        sbom.licences({"serving": [component("odd", "1.0", *licences)]})


def test_without_a_wheel_there_is_nothing_to_list(
    checkout: Callable[..., Path], run_tool: Tool, tmp_path: Path
) -> None:
    ended = run_tool("sbom", tmp_path, checkout=checkout())

    assert ended.returncode == 1
    assert ended.stderr == f"sbom: {tmp_path} holds 0 wheels, expected 1: tox -e package\n"


@pytest.mark.conformance
@pytest.mark.process
def test_a_real_installation_is_listed(
    checkout: Callable[..., Path], built: tuple[Path, Path], tmp_path: Path
) -> None:
    project = checkout()
    for name in LOCKS:
        lock = project / "requirements" / f"{name}.txt"
        (click,) = re.findall(r"^click==.*?(?=^\S)", lock.read_text("utf-8"), re.M | re.S)
        lock.write_text(click, "utf-8")  # one library, for speed
    shutil.copy(built[1], tmp_path)

    ended = subprocess.run(
        [sys.executable, "-m", "tools.release.sbom", tmp_path],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stderr
    for name in LOCKS:
        listed = json.loads((tmp_path / f"sbom-{name}.json").read_text("utf-8"))
        assert listed["bomFormat"] == "CycloneDX"
        assert {one["name"] for one in listed["components"]} == {"click", "house-price-regression"}
    table = (tmp_path / "licences.md").read_text("utf-8")
    assert re.search(rf"^\| click \S+ \| BSD-3-Clause \| {', '.join(LOCKS)} \|$", table, re.M)
