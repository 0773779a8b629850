"""What is shipped holds what it needs, names one version, and keeps its layers apart."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from collections.abc import Iterator
from email.parser import Parser
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from packaging.markers import Marker
from packaging.version import Version

import regression_model
from ml_api import create_app
from ml_api.config import CONFIGS
from regression_model.artifact import open_artifact
from regression_model.version import DISTRIBUTION

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "regression_model"
VERSION = (PACKAGE / "VERSION").read_text("ascii").strip()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENTS = ROOT / "requirements"
CONSTRAINTS = REQUIREMENTS / "constraints.txt"

MODEL = "artifacts/regression_model-0.0.0-abcdef01"
BUILD = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An sdist of a checkout that holds a model, and the wheel that is built from the sdist.

    Far from git, and over the remains of an earlier build.
    """
    checkout = tmp_path_factory.mktemp("checkout") / "project"
    ignored = shutil.ignore_patterns("artifacts", "__pycache__")
    shutil.copytree(PACKAGE, checkout / "regression_model", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md", "tests"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, checkout / name)
    root = checkout / "regression_model" / MODEL
    root.mkdir(parents=True)
    (root / "manifest.json").write_text("{}")
    (root.parent / "CURRENT").write_text(root.name)
    (root.parent / ".saving-1").mkdir()
    (root.parent / ".saving-1" / "half").write_text("")
    stale = checkout / "build" / "lib" / "regression_model" / "artifacts" / "old"
    stale.mkdir(parents=True)
    (stale / "manifest.json").write_text("{}")

    built = tmp_path_factory.mktemp("built")
    sdist = build("sdist", checkout, built)
    direct = build("wheel", checkout, tmp_path_factory.mktemp("direct"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return {"sdist": sdist, "wheel": build("wheel", source, built), "direct": direct}


def build(kind: str, source: Path, target: Path) -> Path:
    ended = subprocess.run(
        [sys.executable, "-c", BUILD, f"build_{kind}", str(target)],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return target / ended.stdout.splitlines()[-1]


def contents(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> str:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


@pytest.mark.parametrize(
    "name",
    [
        "VERSION",
        "config.yml",
        "py.typed",
        "pages/page.html",
        "sales/sample.yml",
        "training/transformers/__init__.py",
        "artifacts/CURRENT",
        f"{MODEL}/manifest.json",
    ],
)
def test_wheel_and_sdist_hold(distributions: dict[str, Path], name: str) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        sources = {path.partition("/")[2] for path in archive.getnames()}

    assert f"regression_model/{name}" in contents(distributions["wheel"])
    assert f"regression_model/{name}" in sources


def test_the_wheel_holds_every_module(distributions: dict[str, Path]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")}

    assert modules <= contents(distributions["wheel"])


def test_the_wheel_holds_nothing_else(distributions: dict[str, Path]) -> None:
    names = contents(distributions["wheel"])

    assert {name.partition("/")[0] for name in names} == {
        "regression_model",
        f"{DISTRIBUTION.replace('-', '_')}-{VERSION}.dist-info",
    }
    assert not [name for name in names if ".saving-" in name or "/old/" in name]


def test_the_wheel_is_the_same_without_the_sdist(distributions: dict[str, Path]) -> None:
    assert contents(distributions["direct"]) == contents(distributions["wheel"])


def test_metadata_names_the_version_of_the_package(distributions: dict[str, Path]) -> None:
    said = Parser().parsestr(metadata(distributions["wheel"]))

    assert said["Name"] == DISTRIBUTION
    assert said["Version"] == VERSION
    assert regression_model.__version__ == VERSION
    assert said["License-Expression"] == "BSD-3-Clause"


# Versions


def test_the_name_of_the_distribution_is_spelled_in_one_place() -> None:
    """The metadata has to say the name as well; everything else takes it from one of the two."""
    code = [
        *PACKAGE.rglob("*.py"),
        *(ROOT / "ml_api").rglob("*.py"),
        *(ROOT / "tools").rglob("*.py"),
    ]
    spelled = [path.name for path in code if f'"{DISTRIBUTION}' in path.read_text("utf-8")]

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] == DISTRIBUTION
    assert spelled == ["version.py"]


def test_no_page_installs_the_package_by_its_name() -> None:
    """Nobody can reserve a name on a public index: pages install a file, or check a hash."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    bare = rf"pip install[^\n]*(?<![\w./*-])[\"']?({DISTRIBUTION}|regression-model)\b(?!-\*)"
    found = [
        f"{path.name}: {match[0]}"
        for path in pages
        for match in re.finditer(bare, path.read_text("utf-8"))
    ]

    assert found == []


def test_a_platform_installs_this_version_with_hashes() -> None:
    locked, release = requirements(ROOT / "requirements.txt")

    assert locked == "-r requirements/serving.txt"
    pin = rf"{DISTRIBUTION}\[api\]=={re.escape(VERSION)}( --hash=sha256:[0-9a-f]{{64}})?"
    assert re.fullmatch(pin, release)


@pytest.mark.parametrize(
    ("heading", "file"), [("## ", "regression_model/VERSION"), ("## API ", "ml_api/VERSION")]
)
def test_the_newest_heading_of_the_changelog_is_the_version(heading: str, file: str) -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(rf"^{re.escape(heading)}(\d.*)$", text, re.M)
    later = [Version(one) > Version(other) for one, other in pairwise(headings)]

    assert headings[0] == (ROOT / file).read_text("ascii").strip()
    assert all(later)


def test_the_manifest_and_the_service_tell_their_versions(artifact: Path) -> None:
    app = create_app(CONFIGS["testing"]({"REGRESSION_MODEL_ARTIFACT": str(artifact)}))

    told = app.test_client().get("/version").get_json()

    assert told["model_version"] == open_artifact(artifact).manifest["version"] == VERSION
    assert told["api_version"] == (ROOT / "ml_api" / "VERSION").read_text("ascii").strip()


# Pins and locks


LOCKS = {"serving": ["api"], "training": ["train", "batch"]}
# MLflow's client holds back what is tested newer, which the service itself does not need.
WITH_MLFLOW = {"serving-registry": ["api", "registry"]}


class Locked(NamedTuple):
    """Where a lock wants a package, and the files that it allows of it, as hashes."""

    marker: str
    hashes: list[str]

    def is_wanted_here(self) -> bool:
        return not self.marker or Marker(self.marker).evaluate()


def locked(name: str) -> dict[str, Locked]:
    """What a lock says of each ``name==version``."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    found: dict[str, Locked] = {}
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.startswith("#"):
            pin, _, marker = entry.partition("\\\n")[0].partition(";")
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)
            found[pin.strip()] = Locked(marker.strip(), hashes)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_tested_versions_by_hash(name: str) -> None:
    pins = {normal(line) for line in requirements(CONSTRAINTS)}

    # What only another Python wants could not be tried on this one.
    here = {normal(pin) for pin, entry in locked(name).items() if entry.is_wanted_here()}
    assert len(here) > 10
    assert here <= pins
    assert all(entry.hashes for entry in locked(name).values())


def test_a_service_with_a_registry_has_the_versions_of_one_without() -> None:
    alone, beside = locked("serving"), locked("serving-registry")

    assert set(alone) < set(beside)
    assert all(entry.hashes for entry in beside.values())


@pytest.mark.parametrize(("name", "extras"), (LOCKS | WITH_MLFLOW).items())
def test_a_lock_holds_every_dependency(name: str, extras: list[str]) -> None:
    wanted = [*PROJECT["dependencies"]]
    wanted += [one for extra in extras for one in PROJECT["optional-dependencies"][extra]]
    names = {normal(pin.partition("==")[0]) for pin in locked(name)}

    assert {normal(re.split(r"[<>=~!\[; ]", one)[0]) for one in wanted} <= names


# MLflow holds back what the others need newer: its environment has pins of its own.
APART = {"mlflow": ["train", "tune", "mlflow"]}
IN_A_LOCK = ["registry"]  # of its own


def test_every_dependency_is_pinned() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    extras = PROJECT["optional-dependencies"]
    wanted = [
        *PROJECT["dependencies"],
        *(
            one
            for name, extra in extras.items()
            if name not in (*APART, *IN_A_LOCK)
            for one in extra
        ),
        *(name for group in groups.values() for name in group if isinstance(name, str)),
    ]

    assert names(wanted) <= pinned(CONSTRAINTS)


@pytest.mark.parametrize(("name", "extras"), APART.items())
def test_an_environment_apart_has_every_dependency_pinned(name: str, extras: list[str]) -> None:
    wanted = [one for extra in extras for one in PROJECT["optional-dependencies"][extra]]

    assert names([*PROJECT["dependencies"], *wanted]) <= pinned(REQUIREMENTS / f"{name}.txt")


def names(wanted: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=~!\[; ]", one)[0]) for one in wanted}


def pinned(path: Path) -> set[str]:
    return {normal(line.partition("==")[0]) for line in requirements(path)}


@pytest.mark.parametrize("path", [CONSTRAINTS, *(REQUIREMENTS / f"{name}.txt" for name in APART)])
def test_pins_are_exact(path: Path) -> None:
    for line in requirements(path):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line), line


def requirements(path: Path) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def checked_in() -> Iterator[Path]:
    """Files of the checkout that are text and not made by a tool."""
    made = {"build", "dist", "datasets", "artifacts", "__pycache__", "node_modules"}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in made
            and not name.endswith(".egg-info")
            and not Path(folder, name, "pyvenv.cfg").exists()
            and (not name.startswith(".") or name in (".ci", ".circleci", ".github"))
        ]
        yield from (Path(folder, name) for name in names if name[0] != "." or name == ".gitignore")


def test_no_file_names_a_package_index() -> None:
    # Where packages come from is for whoever installs them to say, and there is one place only:
    # with two, the higher build tag wins, whoever made it. To read the variable is no harm.
    hosts = rf"{'py'}pi\.org|{'pythonhosted'}\.org|{'fury'}\.io|{'anaconda'}\.org"
    more = rf"{'--'}extra-index-url|{'PIP_'}EXTRA_INDEX_URL|{'--'}find-links"
    one = rf"({'--'}index-url|{'PIP_'}INDEX_URL)['\"=: ]+(https?:|file:|/)"
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in checked_in()
        for match in re.finditer(f"{hosts}|{more}|{one}", path.read_text("utf-8", "replace"))
    ]

    assert found == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()

    assert commands[-1].endswith(".venv/bin/tox")
    assert commands[-1] in readme


def test_the_tests_run_on_the_installed_wheel() -> None:
    if os.environ.get("REGRESSION_MODEL_TEST_WHEEL") != "1":
        pytest.skip("REGRESSION_MODEL_TEST_WHEEL is not 1: these tests run on the source; see tox")
    installed = Path(sysconfig.get_path("purelib"))

    assert Path(regression_model.__file__).parent == installed / "regression_model"
    assert version(DISTRIBUTION) == VERSION
    assert not [path for path in sys.path if path and Path(path, "regression_model") == PACKAGE]


# The public surface


def test_all_is_sorted_and_complete() -> None:
    listed = regression_model.__all__
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    (for_types,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = [name for node in for_types.body for name in names_of(node)]

    assert listed == sorted(listed)
    assert sorted(imported) == listed
    assert set(dir(regression_model)) == {*listed, "__version__"}


def names_of(node: ast.stmt) -> list[str]:
    assert isinstance(node, ast.ImportFrom)
    return [alias.name for alias in node.names]


@pytest.mark.parametrize("name", regression_model.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(regression_model, name).__name__ == name


def test_every_error_is_public() -> None:
    errors = vars(import_module("regression_model.errors"))
    base = regression_model.RegressionModelError
    kinds = {n for n, e in errors.items() if isinstance(e, type) and issubclass(e, base)}

    assert kinds <= set(regression_model.__all__)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="'regression_model' has no attribute 'predcit'"):
        _ = regression_model.predcit


IMPORT = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
import regression_model
dir(regression_model)
print(json.dumps([opened, sorted(sys.modules)]))
"""


def test_importing_opens_nothing_and_loads_no_library() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(regression_model.__file__).parents[1])}
    output = subprocess.run(
        [sys.executable, "-c", IMPORT],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
        timeout=60,
    ).stdout

    opened, loaded = json.loads(output)

    assert [path for path in opened if not path.endswith((".py", ".pyc"))] == []
    assert set(loaded).isdisjoint(
        {"numpy", "onnxruntime", "pandas", "pydantic", "scipy", "sklearn"}
    )


# What is loaded when. Who may import whom is for the contracts in pyproject.toml: tox -e lint

LOADED = """
import importlib, json, pkgutil, sys
known = set(sys.modules) | set(sys.stdlib_module_names)
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for part in pkgutil.walk_packages(getattr(module, "__path__", []), f"{name}."):
        importlib.import_module(part.name)
print(json.dumps(sorted(set(sys.modules) - known)))
"""


def loaded_by(*names: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after it imported ``names`` and their parts."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *names],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(ended.stdout))


def libraries(loaded: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


def test_commands_load_their_libraries_only_when_they_run() -> None:
    loaded = loaded_by("regression_model.cli")

    assert "regression_model.cli.train" in loaded
    assert libraries(loaded) & (installed_libraries() - {"click", "rich"}) == set()
    rooms = {name for name in loaded if re.fullmatch(r"regression_model\.\w+", name)}
    assert rooms == {f"regression_model.{name}" for name in ("cli", "errors", "version")}


def test_predicting_loads_the_code_for_tables_with_the_first_of_them() -> None:
    loaded = loaded_by("regression_model.predict", "regression_model.scoring")

    assert {"regression_model.scorer", "numpy", "onnxruntime"} <= loaded
    assert not [name for name in loaded if name.startswith("regression_model.batch")]


@pytest.mark.parametrize(
    ("name", "not_needed"),
    [
        ("regression_model.config.spec", {"onnxruntime", "pandas", "sklearn", "strictyaml"}),
        ("regression_model.config.reader", {"onnxruntime", "pandas", "sklearn"}),
    ],
)
def test_reading_a_config_loads_no_more_than_it_needs(name: str, not_needed: set[str]) -> None:
    loaded = loaded_by(name)

    assert name in loaded
    assert libraries(loaded) & not_needed == set()


def installed_libraries() -> set[str]:
    """The names that libraries which the package may need are imported by."""
    spelled = {"scikit-learn": "sklearn"}
    extras = PROJECT["optional-dependencies"].values()
    wanted = names([*PROJECT["dependencies"], *(one for extra in extras for one in extra)])
    return {spelled.get(name, name.replace("-", "_")) for name in wanted}
