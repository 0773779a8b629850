"""A release as a platform meets it: published, installed by hash from one index, served, asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest

from regression_model.artifact import open_artifact
from regression_model.version import VERSION
from tools.measuring.local_server import JSON, PREDICT, ask, becomes_ready, free_port

Built = tuple[Path, Path]
Tool = Callable[..., subprocess.CompletedProcess[str]]
LENT = ("PYTHON", "PIP_", "TWINE_", "REGRESSION_MODEL_", "ML_API_", "VIRTUAL_ENV")
# The variable that no file of the project may set; spelt so that the test of that rule is content.
SECOND_INDEX = "PIP_" + "EXTRA_INDEX_URL"


class Platform(NamedTuple):
    """What a platform has of the project, and the environment it installs into."""

    folder: Path
    environment: Path
    index: Any

    def run(self, *command: object, cwd: Path, **settings: str) -> Any:
        """Run a program of the environment, with no index but those of ``settings``."""
        program, *arguments = map(str, command)
        lent = {k: v for k, v in os.environ.items() if not k.startswith(LENT)}
        return subprocess.run(
            [str(self.environment / "bin" / program), *arguments],
            cwd=cwd,
            env={**lent, "PIP_CONFIG_FILE": os.devnull, **settings},
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def released(
    serve_index: Callable[..., Any], checkout: Callable[..., Path], built: Built, run_tool: Tool
) -> Iterator[tuple[Path, Any]]:
    """A checkout whose version is published and locked, and the index that has it."""
    project = checkout()
    with serve_index("--hash-algo", "sha256") as index:
        for tool, *arguments in (("publish", built[0].parent), ("lock_release",)):
            ended = run_tool(tool, *arguments, checkout=project, **index.settings)
            assert ended.returncode == 0, ended.stderr
        yield project, index


@pytest.fixture(scope="module")
def platform(released: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A new environment with what requirements.txt asks for, and the source without a model."""
    project, index = released
    home = tmp_path_factory.mktemp("platform")
    ignored = shutil.ignore_patterns("artifacts", "dist", "tools", "__pycache__")
    shutil.copytree(project, home / "app", ignore=ignored)
    subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True, timeout=120)
    made = Platform(home / "app", home / "venv", index)
    # The libraries come from the index of this machine, by hash like everything else.
    install = [made.environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    libraries = made.folder / "requirements" / "serving.txt"
    subprocess.run([*install, "--require-hashes", "-r", libraries], check=True, timeout=300)
    ended = made.run(
        *("python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"),
        cwd=made.folder,
        PIP_INDEX_URL=f"{index.address}simple/",
    )
    assert ended.returncode == 0, ended.stderr
    return made


def test_what_is_installed_is_whole_and_the_model_intact(
    platform: Platform, tmp_path: Path
) -> None:
    consistent = platform.run("python", "-m", "pip", "check", cwd=tmp_path)
    doctor = platform.run("regression-model", "doctor", cwd=tmp_path)
    version = platform.run("regression-model", "--version", cwd=tmp_path)

    assert consistent.returncode == 0, consistent.stdout
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "golden houses have their prices" in doctor.stdout
    assert version.stdout.strip() == f"regression-model, version {VERSION}"


def test_the_procfile_serves_the_golden_prices(platform: Platform, artifact: Path) -> None:
    golden = json.loads(open_artifact(artifact).read("golden.json"))

    with_path = {"PATH": f"{platform.environment / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    lent = {k: v for k, v in os.environ.items() if not k.startswith(LENT)}
    port = free_port()
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "--port", str(port), "web"],
        cwd=platform.folder,
        env={**lent, **with_path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert becomes_ready(port, seconds=60, process=honcho)
        told = json.loads(ask(port, "GET", "/version")[1])
        body = json.dumps({"inputs": [row["house"] for row in golden]})
        status, content = ask(port, "POST", PREDICT, body=body, headers=JSON)
    finally:
        honcho.send_signal(signal.SIGTERM)
        ended = honcho.wait(timeout=60)

    assert (told["model_version"], told["data"]) == (VERSION, "sample")
    assert told["artifact"] == open_artifact(artifact).folder.name
    assert status == 200
    expected = [row["prediction"] for row in golden]
    assert any(price is not None for price in expected)
    assert json.loads(content)["predictions"] == [
        None if price is None else pytest.approx(price, abs=1) for price in expected
    ]
    assert ended in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    with pytest.raises(OSError, match="refused"):
        ask(port, "GET", "/health")


# Package confusion: somebody else's index has the same version with a higher build tag


@pytest.fixture(params=["sha256", "off"], ids=["with hashes listed", "without"])
def attacker(
    request: pytest.FixtureRequest, serve_index: Callable[..., Any], built: Built
) -> Iterator[Any]:
    """An index with the same version under a higher build tag; its page may leave out hashes."""
    with serve_index("--hash-algo", request.param) as index:
        tagged = index.folder / f"house_price_regression-{VERSION}-1-py3-none-any.whl"
        shutil.copy(built[1], tagged)
        with ZipFile(tagged, "a") as wheel:
            wheel.writestr("regression_model/attacker.py", "")
        yield index


def install(platform: Platform, target: Path, requirement: str, attacker: Any) -> Any:
    """What comes of installing the model with two indexes, in order of trust."""
    asked = target.parent / "asked.txt"
    asked.write_text(f"{requirement}\n")
    return platform.run(
        *("python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir"),
        *("--target", target, "-r", asked),
        cwd=target.parent,
        PIP_INDEX_URL=f"{platform.index.address}simple/",
        **{SECOND_INDEX: f"{attacker.address}simple/"},
    )


def test_without_hashes_an_exact_version_installs_the_attackers_wheel(
    platform: Platform, attacker: Any, tmp_path: Path
) -> None:
    ended = install(platform, tmp_path / "target", f"house-price-regression=={VERSION}", attacker)

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "target" / "regression_model" / "attacker.py").exists()


def test_with_hashes_the_same_command_installs_ours(
    platform: Platform, attacker: Any, tmp_path: Path
) -> None:
    ended = install(platform, tmp_path / "target", locked_release(platform), attacker)

    assert ended.returncode == 0, ended.stderr
    installed = tmp_path / "target" / "regression_model"
    assert (installed / "__init__.py").is_file()
    assert not (installed / "attacker.py").exists()


def locked_release(platform: Platform) -> str:
    line = (platform.folder / "requirements.txt").read_text().splitlines()[-1]
    assert "--hash=sha256:" in line
    return line


def test_where_only_the_attackers_wheel_is_found_nothing_is_installed(
    platform: Platform, attacker: Any, tmp_path: Path
) -> None:
    only = platform._replace(index=attacker)

    ended = install(only, tmp_path / "target", locked_release(platform), attacker)

    assert ended.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ended.stderr
    assert not (tmp_path / "target" / "regression_model").exists()


def test_nothing_installs_before_the_release_is_locked(
    platform: Platform, checkout: Callable[..., Path]
) -> None:
    ended = platform.run(
        *("python", "-m", "pip", "install", "--quiet", "--ignore-installed", "--no-deps"),
        *("--target", platform.folder.parent / "unlocked", "-r", "requirements.txt"),
        cwd=checkout(),
        PIP_INDEX_URL=f"{platform.index.address}simple/",
    )

    assert ended.returncode != 0
    assert not (platform.folder.parent / "unlocked").exists()
