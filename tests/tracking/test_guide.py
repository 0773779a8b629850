"""The guide through a model's life in MLflow is run as it stands, on SQLite and on a server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tools.measuring.local_server import free_port

pytest.importorskip("mlflow", reason="MLflow has an environment of its own: tox -e mlflow")
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.process,
    pytest.mark.filterwarnings("default"),  # MLflow's and its libraries' are not ours
]

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "guides" / "mlflow.md").read_text("utf-8")
BLOCKS = re.findall(r"(<!-- not run:.*?-->\n)?^```sh\n(.*?)^```", TEXT, re.M | re.S)
PORTS = ("5000", "5001", "5002")
STORE = "sqlite:///mlflow.db"
LIMIT = 1200  # seconds


class Done(NamedTuple):
    """What the commands printed, and what MLflow's client finds afterwards."""

    said: str
    client: Any


@pytest.fixture(scope="module")
def done(
    database: str,
    checkout: Path,
    service_python: Path,
    client_of: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Done:
    """The guide's commands, one after the other, with other ports and another database."""
    folder = tmp_path_factory.mktemp("guide") / "checkout"
    shutil.copytree(checkout, folder)
    (folder / "service").symlink_to(service_python.parents[1])
    script = "set -euo pipefail\n" + "".join(block for unrun, block in BLOCKS if not unrun)
    for given, free in {**{port: str(free_port()) for port in PORTS}, STORE: database}.items():
        script = script.replace(given, free)
    (folder / "guide.sh").write_text(script)
    return Done(run(folder), client_of(database))


def run(folder: Path) -> str:
    """Run the script, and whatever it leaves in the background not much longer."""
    lent = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (folder / "../said.txt").open("wb") as said:
        process = subprocess.Popen(
            ["bash", "guide.sh"],
            cwd=folder,
            env={**lent, "PATH": path, "USER": "ada", "LOGNAME": "ada"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ended = process.wait(LIMIT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    text = (folder / "../said.txt").read_text("utf-8")
    logs = "\n".join(log.read_text("utf-8", "replace")[-2000:] for log in folder.glob("*.log"))
    assert ended == 0, f"{text}\n{logs}"
    return text


def test_it_is_run_from_the_server_to_the_tables() -> None:
    assert [bool(unrun) for unrun, _ in BLOCKS].count(True) == 1
    assert all(port in TEXT for port in PORTS)
    assert STORE in TEXT


@pytest.mark.parametrize("database", ["sqlite", "mariadb"], indirect=True, scope="module")
class TestAfterIt:
    def test_four_models_are_registered_and_the_first_is_champion_again(self, done: Done) -> None:
        aliases = done.client.get_registered_model("regression-model").aliases
        versions = done.client.search_model_versions("name = 'regression-model'")

        assert {alias: str(number) for alias, number in aliases.items()} == {
            "champion": "1",
            "challenger": "4",
        }
        stages = {str(version.version): version.tags.get("stage") for version in versions}
        assert stages == {"1": "production", "2": "archived", "3": None, "4": "staging"}

    def test_every_decision_is_kept(self, done: Done) -> None:
        found = decisions(done.client)

        assert [tags["verdict"] for tags in found["promotion"]] == [
            "passed",
            "passed",
            "refused",
            "refused",
        ]
        assert [tags["by"] for tags in found["promotion"]] == ["ada", "Grace", "ada", "ada"]
        (rollback,) = found["rollback"]
        assert rollback["why"] == "complaints about Old Town"

    def test_both_servers_gave_the_same_prices(self, done: Done) -> None:
        assert "200 houses, the same prices" in done.said

    def test_the_service_followed_each_decision(self, done: Done) -> None:
        seen = re.findall(r'"origin":"models:/regression-model/(\d)"', done.said)

        assert [number for number, _ in groupby(seen)] == ["1", "2", "1"]

    def test_a_server_that_was_killed_lost_no_training(self, done: Done) -> None:
        assert "not tracked: MLflow at http://127.0.0.1" in done.said
        runs = done.client.search_runs(["1"], "tags.kind = 'training'")
        assert len(runs) == 5

    def test_the_tables_are_listed_with_what_they_hold(self, done: Done) -> None:
        rows = dict(re.findall(r"^(\w+): (\d+) rows$", done.said, re.M))

        assert rows["registered_models"] == "1"
        assert rows["model_versions"] == "4"
        assert rows["registered_model_aliases"] == "2"
        assert int(rows["metrics"]) > 500


def decisions(client: Any) -> dict[str, list[dict[str, str]]]:
    """Tags of the runs that promotions and rollbacks left, in the order of their times."""
    return {
        kind: [
            run.data.tags
            for run in client.search_runs(
                ["1"], f"tags.kind = '{kind}'", order_by=["attributes.start_time ASC"]
            )
        ]
        for kind in ("promotion", "rollback")
    }
