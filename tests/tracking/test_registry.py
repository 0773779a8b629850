"""A model becomes a version; only what passes becomes champion; and there is a way back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from regression_model.artifact import open_artifact, origin_of
from regression_model.cli import group
from regression_model.config.reader import parse_spec
from regression_model.errors import RegistryFailed
from regression_model.registry.versions import Named, parse_uri, parse_version
from regression_model.sales.table import sample_sales
from regression_model.tracking.store import store_of
from regression_model.training.fit import train
from regression_model.training.persistence import save_trained

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's and its libraries' are not ours

NAME = "regression-model"


class Stock(NamedTuple):
    """A registry with four versions and no champion, and the artifacts behind them."""

    folder: Path
    artifacts: dict[str, Path]

    @property
    def database(self) -> Path:
        return self.folder / "stock.db"


class Trained(NamedTuple):
    """How a version differs from the first."""

    trees: int = 60
    sales: int = 400


# Their places are their numbers.
VERSIONS = {
    "first": Trained(),
    "next": Trained(trees=55),
    "far": Trained(sales=800),
    "forced": Trained(trees=3),
}


@pytest.fixture(scope="module")
def stock(quick_config: str, made_once: Callable[..., Path]) -> Stock:
    def make(folder: Path) -> None:
        for name, made in VERSIONS.items():
            text = quick_config.replace("n_estimators: 60", f"n_estimators: {made.trees}")
            spec = parse_spec(text, label="config.yml")
            sales = sample_sales(spec, made.sales)
            trained = train(spec, sales, force=name == "forced")
            save_trained(folder / name, spec, sales, trained, config=text)

    root = made_once("stock", f"{VERSIONS} {quick_config}", make)
    found = Stock(root, {name: root / name for name in VERSIONS})
    for name in VERSIONS:
        with pytest.MonkeyPatch.context() as elsewhere:  # where MLflow puts files
            elsewhere.chdir(root)
            done = call("register", root / name, "--uri", f"sqlite:///{found.database}")
        assert done.exit_code == 0, done.output
    return found


def call(command: str, *arguments: object) -> Result:
    given = ["registry", command, *map(str, arguments)]
    return CliRunner().invoke(group, given, catch_exceptions=False)


Registry = Callable[..., Result]


@pytest.fixture
def registry(stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The commands on a copy of the registry, which is what the environment names."""
    copy = shutil.copy(stock.database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copy}")
    monkeypatch.setenv("USER", "ada")
    for name in ("LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    return call


@pytest.fixture
def client(registry: Registry, client_of: Callable[[str], Any]) -> Any:
    """MLflow's own client of that copy."""
    return client_of(os.environ["MLFLOW_TRACKING_URI"])


@pytest.fixture
def versions(registry: Registry) -> Callable[[], dict[str, dict[str, Any]]]:
    """What `list` tells machines, by number."""

    def listed() -> dict[str, dict[str, Any]]:
        return {one["number"]: one for one in json.loads(registry("list", "--json").stdout)}

    return listed


Versions = Callable[[], dict[str, dict[str, Any]]]


def champion(versions: Versions) -> list[str]:
    return [number for number, one in versions().items() if "champion" in one["aliases"]]


# Registering


def test_a_registered_model_says_what_it_is(versions: Versions, stock: Stock) -> None:
    manifest = open_artifact(stock.artifacts["first"]).manifest

    found = versions()["1"]

    assert found["uri"] == "models:/regression-model/1"
    assert (
        found["tags"]
        | {
            "artifact_digest": manifest["digest"],
            "model_version": manifest["version"],
            "gate": "passed",
            "rmsle": f"{manifest['metrics']['cross_validated']['model']['rmsle']:.4f}",
        }
        == found["tags"]
    )
    assert versions()["4"]["tags"]["gate"] == "failed, saved by force"


def test_the_newest_is_the_challenger(versions: Versions) -> None:
    found = versions()

    assert [found[number]["aliases"] for number in "4321"] == [["challenger"], [], [], []]
    assert [found[number]["stage"] for number in "4321"] == ["staging", "", "", ""]


def test_what_is_registered_is_not_registered_again(
    registry: Registry, versions: Versions, stock: Stock
) -> None:
    done = registry("register", stock.artifacts["next"], "--json")

    assert json.loads(done.stdout)["number"] == "2"
    assert len(versions()) == len(VERSIONS)
    assert versions()["2"]["aliases"] == ["challenger"]


def test_the_champion_does_not_become_its_own_challenger(
    registry: Registry, versions: Versions, stock: Stock
) -> None:
    registry("promote", "1", "--why", "first")

    registry("register", stock.artifacts["first"])

    assert versions()["1"]["aliases"] == ["champion"]


def test_the_table_names_versions_and_reasons(registry: Registry) -> None:
    registry("promote", "2", "--why", "to begin with")

    shown = registry("list").stdout

    assert {"champion", "production", "staging", "ada:", "begin"} <= set(shown.split())


def test_an_empty_registry_says_what_to_do(tmp_path: Path) -> None:
    done = call("list", "--uri", f"sqlite:///{tmp_path / 'empty.db'}")

    assert done.exit_code == 0
    assert "regression-model registry register" in done.stdout


# Promoting


def test_the_first_champion_passes_the_gate_alone(registry: Registry, versions: Versions) -> None:
    done = registry("promote", "1", "--why", "first")

    assert done.exit_code == 0, done.output
    assert "models:/regression-model/1 is champion, the first" in done.output
    assert champion(versions) == ["1"]


def test_a_promotion_is_kept_with_who_when_why_and_the_report(
    registry: Registry, versions: Versions, client: Any, tmp_path: Path
) -> None:
    registry("promote", "1", "--why", "first")

    done = registry("promote", "2", "--why", "a year more of sales", "--by", "grace", "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, told["passed"], champion(versions)) == (0, True, ["2"])
    tags = versions()["2"]["tags"]
    assert (tags["promoted_by"], tags["promoted_why"]) == ("grace", "a year more of sales")
    assert tags["promotion_run"] == told["run_id"]
    run = client.get_run(told["run_id"])
    assert run.data.tags["verdict"] == "passed"
    assert run.data.tags["at"] == tags["promoted_at"]
    assert run.data.metrics["change/moved_10"] <= 0.01
    page = client.download_artifacts(told["run_id"], "diff.html", str(tmp_path))
    assert "What does the new model change?" in Path(page).read_text("utf-8")


def test_stages_follow_the_aliases(registry: Registry, versions: Versions) -> None:
    registry("promote", "1", "--why", "first")
    registry("promote", "2", "--why", "second")

    assert {number: one["stage"] for number, one in versions().items()} == {
        "1": "archived",
        "2": "production",
        "3": "",
        "4": "staging",
    }
    assert versions()["2"]["tags"]["stage"] == "production"


def test_the_challenger_is_none_any_more_when_it_is_champion(
    registry: Registry, versions: Versions, stock: Stock
) -> None:
    registry("register", stock.artifacts["next"])

    registry("promote", "--why", "the challenger, by default")

    assert versions()["2"]["aliases"] == ["champion"]
    done = registry("promote", "--why", "there is none")
    assert done.exit_code == 2
    assert "has no alias challenger; see what there is with" in done.stderr


def test_a_model_that_failed_its_gate_is_refused(registry: Registry, versions: Versions) -> None:
    done = registry("promote", "4", "--why", "in a hurry")

    assert done.exit_code == 1
    assert "models:/regression-model/4 is not promoted" in done.stderr
    assert "the gate: RMSLE" in done.stderr
    assert champion(versions) == []


def test_a_model_that_moves_prices_too_far_is_refused_and_the_verdict_kept(
    registry: Registry, versions: Versions, client: Any
) -> None:
    registry("promote", "1", "--why", "first")

    done = registry("promote", "3", "--why", "more sales", "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, told["passed"], champion(versions)) == (1, False, ["1"])
    assert "the differential test: houses moved by more than 5%" in done.stderr
    run = client.get_run(told["run_id"])
    assert run.data.tags["verdict"] == "refused"
    assert (
        "the differential test: houses moved by more than 5%"
        in run.data.tags["mlflow.note.content"]
    )
    assert "promoted_at" not in versions()["3"]["tags"]


def test_nothing_is_done_for_who_is_champion_already(
    registry: Registry, versions: Versions
) -> None:
    registry("promote", "1", "--why", "first")
    before = versions()

    done = registry("promote", "1", "--why", "again")

    assert (done.exit_code, "is the champion already" in done.output) == (0, True)
    told = json.loads(registry("promote", "1", "--why", "again", "--json").stdout)
    assert told["champion"] == told["candidate"] == "models:/regression-model/1"
    assert versions() == before


def test_a_decision_wants_a_reason(registry: Registry) -> None:
    assert "Missing option '--why'" in registry("promote", "1").stderr
    assert "--why is empty" in registry("promote", "1", "--why", "  ").stderr


def test_another_model_is_not_taken_for_this_one(registry: Registry, versions: Versions) -> None:
    done = registry("promote", "models:/houses/1", "--why", "a slip")

    assert done.exit_code == 2
    assert "models:/houses/1 is a version of houses" in done.stderr
    assert champion(versions) == []


def test_who_has_no_name_is_asked_for_one(
    registry: Registry, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("USER")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)  # nobody's

    done = registry("promote", "1", "--why", "first")

    assert (done.exit_code, "name the person who decided with --by" in done.stderr) == (2, True)
    assert champion(versions) == []


def test_a_verdict_that_cannot_be_kept_promotes_nobody(
    registry: Registry, versions: Versions, client: Any
) -> None:
    client.delete_experiment(client.create_experiment("gone"))

    done = registry("promote", "1", "--why", "first", "--experiment", "gone")

    assert (done.exit_code, champion(versions)) == (2, [])
    assert "the experiment 'gone' is deleted" in done.stderr


def test_whoever_was_slower_moves_nothing(registry: Registry, versions: Versions) -> None:
    from regression_model.registry.client import Registry as Client
    from regression_model.registry.decisions import Reason, promote

    slower = Client(store_of(), NAME)
    seen = slower.find_number("2")
    registry("promote", "1", "--why", "by somebody else meanwhile")

    with pytest.raises(RegistryFailed, match=r"the champion is models:/regression-model/1 by now"):
        promote(slower, seen, None, Reason.now(by="ada", why="first"), "a run")

    assert champion(versions) == ["1"]
    assert "promoted_at" not in versions()["2"]["tags"]


# Going back


def test_a_rollback_is_one_command_and_kept_as_well(
    registry: Registry, versions: Versions, client: Any
) -> None:
    registry("promote", "1", "--why", "first")
    registry("promote", "2", "--why", "second")

    done = registry("rollback", "--why", "complaints about Old Town", "--json")

    told = json.loads(done.stdout)
    assert (told["champion"], champion(versions)) == ("models:/regression-model/1", ["1"])
    left = versions()["2"]
    assert left["tags"]["rolled_back_by"] == "ada"
    assert left["tags"]["rolled_back_why"] == "complaints about Old Town"
    assert left["stage"] == left["tags"]["stage"] == "archived"
    run = client.get_run(told["run_id"])
    assert run.data.tags["kind"] == "rollback"
    assert "rolled back" in registry("list").stdout


def test_rollbacks_go_back_step_by_step_to_the_first(
    registry: Registry, versions: Versions
) -> None:
    registry("promote", "1", "--why", "first")
    registry("promote", "2", "--why", "second")
    registry("rollback", "--why", "back")

    done = registry("rollback", "--why", "further back")

    assert done.exit_code == 2
    assert "replaced no other version: there is nothing to roll back to" in done.stderr
    assert champion(versions) == ["1"]


def test_what_was_rolled_back_may_be_promoted_again(registry: Registry, versions: Versions) -> None:
    registry("promote", "1", "--why", "first")
    registry("promote", "2", "--why", "second")
    registry("rollback", "--why", "back")

    assert registry("promote", "2", "--why", "it was not the model").exit_code == 0

    tags = versions()["2"]["tags"]
    assert tags["promoted_why"] == "it was not the model"
    assert "rolled_back_why" not in tags


def test_without_a_champion_there_is_nothing_to_roll_back(registry: Registry) -> None:
    done = registry("rollback", "--why", "back")

    assert (done.exit_code, "has no alias champion" in done.stderr) == (2, True)


@pytest.mark.conformance
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_database_servers_keep_decisions_as_files_do(database: str, stock: Stock) -> None:
    for name, why in (("first", "to begin with"), ("next", "a few trees less")):
        assert call("register", stock.artifacts[name], "--uri", database).exit_code == 0
        assert call("promote", "--why", why, "--uri", database).exit_code == 0
    assert call("rollback", "--why", "back", "--uri", database).exit_code == 0

    newest, first = json.loads(call("list", "--uri", database, "--json").stdout)

    assert (newest["stage"], newest["tags"]["rolled_back_why"]) == ("archived", "back")
    assert (first["aliases"], first["tags"]["promoted_why"]) == (["champion"], "to begin with")


# Fetching


def test_what_is_fetched_is_the_artifact_and_says_where_it_is_from(
    registry: Registry, stock: Stock, tmp_path: Path
) -> None:
    registry("promote", "2", "--why", "first")

    told = json.loads(registry("pull", "--output", tmp_path / "served", "--json").stdout)

    held, original = open_artifact(tmp_path / "served"), open_artifact(stock.artifacts["next"])
    held.verify_served()
    assert held.manifest == original.manifest
    assert origin_of(held) == told["origin"] == "models:/regression-model/2"
    assert told == {
        "uri": "models:/regression-model@champion",
        "origin": "models:/regression-model/2",
        "artifact": original.folder.name,
        "changed": True,
    }


def test_only_what_is_new_is_fetched(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("models:/regression-model/1", "--output", tmp_path / "served", "--json")
    registry("pull", *wanted)
    monkeypatch.setattr("regression_model.registry.client.download_artifacts", None)

    assert json.loads(registry("pull", *wanted).stdout)["changed"] is False


def test_a_damaged_copy_is_fetched_anew(registry: Registry, tmp_path: Path) -> None:
    wanted = ("models:/regression-model/1", "--output", tmp_path / "served", "--json")
    registry("pull", *wanted)
    held = open_artifact(tmp_path / "served")
    (held.folder / "model.onnx").write_bytes(b"damaged")

    assert json.loads(registry("pull", *wanted).stdout)["changed"] is True
    open_artifact(tmp_path / "served").verify_served()


def test_another_version_takes_the_place_of_the_first(registry: Registry, tmp_path: Path) -> None:
    for number in "12":
        registry("pull", f"models:/regression-model/{number}", "--output", tmp_path / "served")

    held = open_artifact(tmp_path / "served")
    assert origin_of(held) == "models:/regression-model/2"
    assert [p for p in (tmp_path / "served").iterdir() if p.is_dir()] == [held.folder]


def test_a_copy_from_another_registry_is_another_model(
    registry: Registry, stock: Stock, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    registry("register", stock.artifacts["next"], "--uri", other)
    wanted = ("models:/regression-model/1", "--output", tmp_path / "served", "--json")

    told = [json.loads(registry("pull", *wanted, *more).stdout) for more in ((), ("--uri", other))]

    assert [one["origin"] for one in told] == ["models:/regression-model/1"] * 2
    assert told[0]["artifact"] != told[1]["artifact"]
    assert told[1]["changed"] is True


def test_the_registry_may_be_named_alone(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", os.environ["MLFLOW_TRACKING_URI"])
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    assert len(json.loads(registry("list", "--json").stdout)) == len(VERSIONS)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_model_that_was_trained_there_is_not_lost(
    registry: Registry, artifact: Path, tmp_path: Path, damaged: bool
) -> None:
    trained = shutil.copytree(artifact, tmp_path / "trained")
    (folder,) = trained.glob("regression_model-*")
    before = sorted(trained.rglob("*"))
    if damaged:
        (folder / "manifest.json").write_text("{")

    for output in (trained, folder):
        done = registry("pull", "models:/regression-model/1", "--output", output)
        assert done.exit_code == 2
        assert "is from no registry and would be lost; name another folder" in done.stderr
    assert sorted(trained.rglob("*")) == before


@pytest.mark.parametrize("command", ["promote", "pull"])
def test_what_was_changed_in_the_registry_is_refused(
    registry: Registry,
    client: Any,
    versions: Versions,
    tmp_path: Path,
    command: str,
) -> None:
    run_id = versions()["1"]["run_id"]
    logged = Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
    (graph,) = logged.glob("model/artifacts/*/model.onnx")
    kept = graph.read_bytes()
    options = {
        "promote": ("1", "--why", "first"),
        "pull": ("models:/regression-model/1", "--output", tmp_path / "served"),
    }

    graph.write_bytes(kept[:-1] + b"!")
    try:
        done = registry(command, *options[command])
    finally:
        graph.write_bytes(kept)

    assert done.exit_code == 2
    assert "model.onnx of artifact" in done.stderr
    assert not (tmp_path / "served").exists()
    assert champion(versions) == []


def test_a_registry_that_is_down_is_said_in_a_line(tmp_path: Path) -> None:
    done = call("pull", "--output", tmp_path / "served", "--uri", "http://me:s3cret@127.0.0.1:1")

    assert done.exit_code == 2
    assert done.stderr.startswith(
        "Error: MLflow at http://me:***@127.0.0.1:1 could not be asked for models: "
    )
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "served").exists()


def test_versions_are_compared_as_folders_are(registry: Registry, stock: Stock) -> None:
    def moved(old: object, new: object) -> object:
        told = CliRunner().invoke(group, ["diff", str(old), str(new), "--json"]).stdout
        return json.loads(told)["overall"]

    registry("promote", "1", "--why", "first")

    found = moved("models:/regression-model@champion", "models:/regression-model/3")

    assert found == moved(stock.artifacts["first"], stock.artifacts["far"])


# Naming versions


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("3", Named(NAME, None, "3")),
        ("challenger", Named(NAME, "challenger", None)),
        ("@champion", Named(NAME, "champion", None)),
        ("models:/houses@best-yet", Named("houses", "best-yet", None)),
        ("models:/houses/12", Named("houses", None, "12")),
    ],
)
def test_a_version_is_named_by_number_alias_or_uri(text: str, named: Named) -> None:
    assert parse_version(text, name=named.name) == named
    if text.startswith("models:"):
        assert str(parse_uri(text)) == text


@pytest.mark.parametrize("text", ["", "3.1", "-1", "two words", "models:/x", "models:/x@", "@"])
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(RegistryFailed, match=r"is not a version|names no version"):
        parse_version(text, name=NAME)
