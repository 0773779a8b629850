"""`mlflow run` runs the steps of a model, here and from a git address; its run has what they made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from regression_model import load_model
from regression_model.cli import group
from regression_model.scoring import score_table

mlflow = pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.process,
    pytest.mark.filterwarnings("default"),  # MLflow's and its libraries' are not ours
]

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
ADDRESS = "https://git.example/houses"
SALES = 200

Project = Callable[..., Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the user is, with a store; none of the steps runs there."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def project(home: Path, checkout: Path) -> Project:
    """Runs a step as a user does, and returns the run that MLflow says has succeeded."""

    def run_step(step: str, *options: str, where: str = str(checkout), **params: object) -> Any:
        given = [part for item in params.items() for part in ("-P", "{}={}".format(*item))]
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "mlflow", "run", where, "-e", step, *options, *given],
            cwd=home,
            env={**os.environ, **environment(home, checkout)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert ended.returncode == 0, ended.stderr
        run_id = ended.stderr.rpartition("=== Run (ID '")[2].partition("'")[0]
        return client_at(home).get_run(run_id)

    return run_step


def environment(home: Path, checkout: Path) -> dict[str, str]:
    """That of a user whose git knows where the address is, and who has activated this Python."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "MLFLOW_ENV_ROOT": str(home / "environments"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{checkout.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }


def client_at(home: Path) -> Any:
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")


@pytest.fixture(scope="module")
def sold(home: Path) -> Path:
    path = home / "all sales.csv"
    CliRunner().invoke(group, ["sample", str(SALES), "--output", str(path)], catch_exceptions=False)
    return path


@pytest.fixture(scope="module")
def training(project: Project, sold: Path, small_config: Path) -> Any:
    return project("train", "--env-manager", "local", data=sold.name, config=small_config)


def test_the_run_of_train_holds_the_model(training: Any, home: Path) -> None:
    client, data = client_at(home), training.data

    assert training.info.status == "FINISHED"
    assert (data.params["data"], data.params["output"]) == ("'all sales.csv'", "models")
    assert data.params["validation.folds"] == "2"
    assert data.metrics["rmsle"] > 0
    assert data.metrics["system/process_memory_mebibytes"] > 50
    assert data.tags["mlflow.project.entryPoint"] == "train"
    assert data.tags["kind"] == "training"
    files = {one.path for one in client.list_artifacts(training.info.run_id)}
    assert files == {"artifact", "model", "plots", "report.html"}


def test_its_folds_are_below_it_and_nothing_is_beside_it(training: Any, home: Path) -> None:
    runs = client_at(home).search_runs([training.info.experiment_id])
    of_project = [r for r in runs if r.data.tags.get("mlflow.project.entryPoint") == "train"]

    below = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == training.info.run_id]
    assert len(below) == 2
    assert [r.info.run_id for r in of_project] == [training.info.run_id]
    assert len(runs) == len(below) + sum("mlflow.project.entryPoint" in r.data.tags for r in runs)


def test_the_model_lies_in_the_folder_of_the_project(training: Any, checkout: Path) -> None:
    saved = load_model(checkout / "models")

    assert training.data.tags["artifact_digest"] == saved.artifact.manifest["digest"]


def test_the_run_of_evaluate_holds_figures_and_report(
    project: Project, sold: Path, artifact: Path, home: Path
) -> None:
    judged = project("evaluate", "--env-manager", "local", data=sold, model=artifact)

    files = [one.path for one in client_at(home).list_artifacts(judged.info.run_id)]
    assert files == ["evaluation.json", "report.html"]
    assert 0 < judged.data.metrics["rmsle"] < 0.3
    assert {"ratio/cod", "range/coverage"} <= judged.data.metrics.keys()
    digest = load_model(artifact).artifact.manifest["digest"]
    assert judged.data.params["model_digest"] == digest
    (data,) = judged.inputs.dataset_inputs
    assert json.loads(data.dataset.profile) == {"num_rows": SALES}


def test_a_git_address_predicts_with_the_model_of_a_run(
    project: Project, training: Any, sold: Path, home: Path, checkout: Path, tmp_path: Path
) -> None:
    name = training.data.tags["artifact"]
    model = f"runs:/{training.info.run_id}/artifact/{name}"

    valued = project(
        "predict", "--env-manager", "local", where=ADDRESS, data=sold.name, model=model
    )

    fetched = client_at(home).download_artifacts(valued.info.run_id, "prices.csv", str(home))
    expected = tmp_path / "prices.csv"
    score_table(load_model(checkout / "models"), sold, expected)
    assert Path(fetched).read_text("utf-8") == expected.read_text("utf-8")
    assert valued.data.tags["mlflow.source.name"] == ADDRESS
    assert not (checkout / "prices.csv").exists()


def test_the_run_of_promote_holds_the_verdict(
    project: Project, training: Any, home: Path, checkout: Path
) -> None:
    uri, client = f"sqlite:///{home / 'mlflow.db'}", client_at(home)
    options = ["--uri", uri, "--experiment", "Default"]
    done = CliRunner().invoke(group, ["registry", "register", str(checkout / "models"), *options])

    decided = project("promote", "--env-manager", "local", why="the first, for now", by="ada")

    champion = client.get_model_version_by_alias("regression-model", "champion")
    assert done.exit_code == 0, done.output
    assert champion.run_id == training.info.run_id
    assert champion.tags["promotion_run"] == decided.info.run_id
    assert (decided.info.status, decided.data.tags["verdict"]) == ("FINISHED", "passed")
    assert (decided.data.tags["why"], decided.data.tags["by"]) == ("the first, for now", "ada")


@pytest.mark.parametrize("manager", ["virtualenv", "uv"])
def test_an_environment_of_its_own_is_made_for_it(
    project: Project, sold: Path, artifact: Path, manager: str
) -> None:
    tool = {"virtualenv": "pyenv"}.get(manager, manager)
    if shutil.which(tool) is None:
        pytest.skip(f"{tool}, which MLflow asks for Python, is not on the PATH")

    valued = project("predict", "--env-manager", manager, data=sold, model=artifact)

    assert valued.data.tags["mlflow.project.env"] == manager
