"""Both descriptions of CI are valid, say the same, name what exists, and run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
CIRCLE = ROOT / ".circleci" / "config.yml"
GITHUB = ROOT / ".github" / "workflows" / "release.yml"
SET_UP = ROOT / ".github" / "actions" / "set-up" / "action.yml"
SCHEMAS = {"circle-ci": CIRCLE, "github-workflows": GITHUB, "github-actions": SET_UP}
PYTHONS = {"3.11", "3.12", "3.13"}
TOX = ".venv/bin/tox "
PUBLISHER = "pypa/gh-action-pypi-publish"


# Every step is run by a test here, or has the reason why not.
RUN_HERE = [
    "python3 -m venv .venv",
    ".venv/bin/pip install -q -c requirements/constraints.txt tox",
    ".venv/bin/tox -e lint",
]
# In the order of CI, which they need; minutes, so run where REGRESSION_MODEL_TEST_CI=1 asks for it.
RUN_WHERE_ASKED = [
    "-e types",
    "-e mlflow",
    "-e conformance-mlflow",
    "-m smoke",
    "-e bench -- --smoke",
    "-e package -- --data datasets/train.csv",
    "-e differential -- released regression_model/artifacts --report dist/diff.html",
    "-e sbom",
]
NOT_RUN_HERE = {
    "-e py": "runs these tests",
    "-e conformance": "runs these tests",
    "-e audit": "asks an advisory service; test_audit.py has one",
    "-e fetch -- --source kaggle": "wants a secret",
    "-e publish -- --if-new": "wants a secret",
    "-e deploy": "wants a secret, and a platform; test_deploy.py has one",
}
ALL = [*RUN_WHERE_ASKED, *NOT_RUN_HERE]


class Step(NamedTuple):
    job: str
    python: str
    command: str
    on_main: bool
    secrets: bool


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def fill(text: str, values: dict[str, str]) -> str:
    """``text`` with ``<< parameters.x >>``, ``${{ matrix.x }}`` and the like replaced."""
    places = r"(?:<<|\$\{\{)\s*(?:parameters|matrix|inputs)\.(\w+)\s*(?:>>|\}\})"
    return re.sub(places, lambda found: values[found[1]], text)


def combinations(values: dict[str, list[str]]) -> list[dict[str, str]]:
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def pair(entry: Any) -> tuple[str, Any]:
    """A step or job of CircleCI, which is a name or a name with its settings."""
    if isinstance(entry, str):
        return entry, {}
    ((name, settings),) = entry.items()
    return name, settings


def defaults(described: dict[str, Any]) -> dict[str, str]:
    parameters = described.get("parameters", {})
    return {name: value["default"] for name, value in parameters.items() if "default" in value}


def circle_steps() -> Iterator[Step]:
    config = read(CIRCLE)
    for name, settings in map(pair, config["workflows"]["release"]["jobs"]):
        job = config["jobs"][name]
        for chosen in combinations(settings.get("matrix", {}).get("parameters", {})):
            values = {**defaults(job), **settings, **chosen}
            python = circle_python(config, job["executor"], values)
            for command in circle_commands(config, job["steps"], values):
                yield Step(
                    job=fill(settings.get("name", name), values),
                    python=python,
                    command=command,
                    on_main=settings.get("filters") == {"branches": {"only": "main"}},
                    secrets="context" in settings,
                )


def circle_python(config: Any, executor: Any, values: dict[str, str]) -> str:
    """The Python of an executor, which is named alone or with its version."""
    if isinstance(executor, str):
        return defaults(config["executors"][executor])["version"]
    return fill(executor["version"], values)


def circle_commands(config: Any, steps: list[Any], values: dict[str, str]) -> Iterator[str]:
    for name, settings in map(pair, steps):
        if name == "run":
            text = settings if isinstance(settings, str) else settings["command"]
            yield fill(text, values)
        elif name in config["commands"]:
            given = {key: fill(value, values) for key, value in settings.items()}
            yield from circle_commands(config, config["commands"][name]["steps"], given)


def github_steps() -> Iterator[Step]:
    jobs = read(GITHUB)["jobs"]
    for name, job in jobs.items():
        matrix = dict(job.get("strategy", {}).get("matrix", {}))
        more = matrix.pop("include", [])
        for chosen in [*combinations(matrix), *more]:
            pythons, commands = github_commands(job["steps"], chosen)
            for command in commands:
                yield Step(
                    job=name,
                    python=pythons[0] if pythons else "",
                    command=command,
                    on_main=on_main(jobs, job),
                    secrets="environment" in job,
                )


def on_main(jobs: Any, job: Any) -> bool:
    """Whether a job, or one that it waits for, is kept to main."""
    needs = job.get("needs", [])
    waited = [needs] if isinstance(needs, str) else needs
    here = job.get("if") == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    return here or any(on_main(jobs, jobs[name]) for name in waited)


def github_commands(steps: list[Any], values: dict[str, str]) -> tuple[list[str], list[str]]:
    """The Pythons that are set up, and the commands and publishers that are run."""
    pythons: list[str] = []
    commands: list[str] = []
    for step in steps:
        given = {key: fill(str(value), values) for key, value in step.get("with", {}).items()}
        used = step.get("uses", "")
        if used.startswith("./"):
            action = read(ROOT / used / "action.yml")
            inputs = {name: of["default"] for name, of in action["inputs"].items()}
            below = github_commands(action["runs"]["steps"], {**inputs, **given})
            pythons += below[0]
            commands += below[1]
        elif used.startswith("actions/setup-python@"):
            pythons.append(given["python-version"])
        elif used.startswith(PUBLISHER):
            commands.append(used)
        elif "run" in step:
            commands.append(fill(step["run"], values))
    return pythons, commands


@pytest.fixture(scope="module")
def circle() -> list[Step]:
    return list(circle_steps())


@pytest.fixture(scope="module")
def github() -> list[Step]:
    return list(github_steps())


def validate(kind: str, path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts"), "check-jsonschema")
    return subprocess.run(
        [program, "--builtin-schema", f"vendor.{kind}", path],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("kind", "path"), SCHEMAS.items(), ids=SCHEMAS)
def test_it_is_valid(kind: str, path: Path) -> None:
    checked = validate(kind, path)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(("kind", "path"), SCHEMAS.items(), ids=SCHEMAS)
def test_a_step_without_anything_to_do_is_not_valid(kind: str, path: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.yml"
    spoilt.write_text(re.sub(r"- run: .*", "- run: []", path.read_text("utf-8")), "utf-8")

    assert validate(kind, spoilt).returncode == 1


def test_both_run_the_same(circle: list[Step], github: list[Step]) -> None:
    def told(steps: list[Step], *, on_main: bool) -> list[tuple[str, str]]:
        return [(step.python, step.command) for step in steps if step.on_main is on_main]

    upload = "-e publish -- --if-new"  # GitHub publishes by trusted publisher instead
    released = [command for _, command in told(circle, on_main=True)]
    before = released[: released.index(RUN_HERE[0], 1)]

    assert sorted(told(circle, on_main=False)) == sorted(told(github, on_main=False))
    deploy = [*RUN_HERE[:2], TOX + "-e deploy"]
    assert released == [*before, *RUN_HERE[:2], TOX + upload, *deploy]
    assert [command for _, command in told(github, on_main=True)] == [
        *before,
        f"{PUBLISHER}@release/v1",
        *deploy,
    ]


def test_every_python_is_tested(circle: list[Step]) -> None:
    for arguments in ("-e py", "-m smoke"):
        assert {step.python for step in circle if step.command == TOX + arguments} == PYTHONS


def test_it_is_tox_and_nothing_else(circle: list[Step], github: list[Step]) -> None:
    commands = {step.command for step in (*circle, *github)} - {f"{PUBLISHER}@release/v1"}

    assert commands == {*RUN_HERE, *(TOX + arguments for arguments in ALL)}


def test_secrets_are_kept_to_main(circle: list[Step], github: list[Step]) -> None:
    assert all(step.on_main for step in (*circle, *github) if step.secrets)
    for path in (CIRCLE, GITHUB, SET_UP):
        settings = re.findall(
            r"(\w*(?:KEY|TOKEN|PASSWORD|USERNAME|REMOTE)\w*): (.*)", path.read_text()
        )
        assert all(value == f"${{{{ secrets.{name} }}}}" for name, value in settings), path


def test_an_action_is_pinned_and_may_do_little() -> None:
    text = GITHUB.read_text("utf-8") + SET_UP.read_text("utf-8")
    workflow = read(GITHUB)
    asked = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }

    for used in re.findall(r"uses: ([^.\s]\S*)", text):
        assert re.fullmatch(r"\S+@(v\d+|release/v\d+|[0-9a-f]{40})", used), used
    assert workflow["permissions"] == {"contents": "read"}
    assert asked == {"publish": {"id-token": "write"}}


# As CI does it, in a checkout that holds nothing else


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git knows of this checkout, prepared by the first steps of CI."""
    folder = tmp_path_factory.mktemp("checkout")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for command in RUN_HERE[:2]:
        ended = run(command, folder)
        assert ended.returncode == 0, ended.stdout
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A step as CI runs it, without what the tox around this test set."""
    ours = ("PYTHON", "TOX", "VIRTUAL_ENV", "REGRESSION_MODEL_")
    lent = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=lent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )


@pytest.mark.conformance
@pytest.mark.parametrize("command", RUN_HERE[2:])
def test_a_quick_step_passes(checkout: Path, command: str) -> None:
    ended = run(command, checkout)

    assert ended.returncode == 0, ended.stdout


@pytest.mark.conformance
@pytest.mark.parametrize("arguments", ALL)
def test_the_environments_of_a_step_exist(checkout: Path, arguments: str) -> None:
    named, name = shlex.split(arguments)[:2]
    known = run(f"{TOX}config {named} {name} -k description", checkout)

    assert known.returncode == 0, known.stdout
    assert "description = " in known.stdout


@pytest.mark.skipif(
    os.environ.get("REGRESSION_MODEL_TEST_CI") != "1",
    reason="REGRESSION_MODEL_TEST_CI is not 1: minutes; each is part of `tox` or `tox -e rehearse`",
)
def test_every_step_without_a_secret_passes(checkout: Path, ames: Path) -> None:
    (checkout / "datasets").mkdir()
    shutil.copy(ames / "train.csv", checkout / "datasets")
    for arguments in RUN_WHERE_ASKED:
        ended = run(TOX + arguments, checkout)

        assert ended.returncode == 0, f"{arguments}\n{ended.stdout}"
    assert len([*(checkout / "dist").glob("*")]) >= 5
