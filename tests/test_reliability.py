"""Every scenario keeps its promise at a small size, would notice a breach, and is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
import schemathesis
from click.testing import CliRunner

from regression_model.artifact import Artifact
from reliability import page
from reliability.catalogue import SCENARIOS
from reliability.command import GROUPS, command
from reliability.scenario import REGISTERED, Result, perform
from tools.measuring.load import Load

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PUBLISHED = DOCS / page.RESULTS


# What takes longest, of rules that other tests hold in small.
LONG = {
    *("broken-reload", "drained", "killed-while-saving", "killed-worker", "recycled-workers"),
    *("replaced-under-readers", "rotating-log"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.conformance if name in LONG else ())
        for name in SCENARIOS
    ],
)
def test_the_promise_is_kept(name: str, artifact: Path) -> None:
    result = perform(SCENARIOS[name], artifact, short=True)

    assert result.measured.faults == []
    if result.outcome == "skipped":
        pytest.skip(result.measured.figure)


# A breach is noticed


class Flawed(BaseHTTPRequestHandler):
    """Answers 500 to every fifth request, hangs up on every seventh, errs in every eleventh."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    turns = count(1)

    def do_POST(self) -> None:  # the name is the library's
        self.rfile.read(int(self.headers["Content-Length"]))
        turn = next(Flawed.turns)
        if turn % 7 == 0:
            self.close_connection = True
            return
        price = 2.5 if turn % 11 == 0 else 1.0
        body = json.dumps({"predictions": [price], "version": "1"}).encode()
        self.send_response(500 if turn % 5 == 0 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def flawed() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Flawed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("keeping", [[True], [False], [True, False]])
def test_every_failure_is_counted(flawed: int, keeping: list[bool]) -> None:
    Flawed.turns = count(1)
    hung_up = [n for n in range(1, 201) if n % 7 == 0]
    failed = [n for n in range(1, 201) if n % 5 == 0 and n % 7]
    wrong = [n for n in range(1, 201) if n % 11 == 0 and n % 5 and n % 7]

    with Load(flawed, [{}], {"1": [1.0]}, keeping=keeping, most=200) as load:
        answers = load.join()

    assert answers.asked == 200
    assert answers.reasons() == {"RemoteDisconnected": len(hung_up), "status 500": len(failed)}
    assert answers.mixed == len(wrong)
    assert answers.versions == {"1": 200 - len(hung_up) - len(failed)}


def test_a_price_of_another_version_is_counted(flawed: int) -> None:
    Flawed.turns = count(1)

    with Load(flawed, [{}], {"0": [1.0]}, keeping=[True], most=4) as load:
        assert load.join().mixed == 4


@pytest.mark.parametrize(
    ("name", "variable", "value", "told"),
    [
        ("broken-reload", "ML_API_LAST_GOOD", "/proc/nothing", "TimeoutError"),
        ("oversized-bodies", "ML_API_MAX_BODY_BYTES", str(2**30), "400"),
    ],
)
def test_a_setting_that_breaks_the_promise_is_noticed(
    name: str,
    variable: str,
    value: str,
    told: str,
    artifact: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr("tools.measuring.local_server.PATIENCE", 5.0)

    result = perform(SCENARIOS[name], artifact, short=True, count=40)

    assert result.outcome == "failed"
    assert told in result.measured.faults[0]


def test_files_that_are_not_verified_are_noticed(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Artifact, "read", lambda self, name: (self.folder / name).read_bytes())

    result = perform(SCENARIOS["flipped-bits"], artifact, short=True, count=16)

    assert result.outcome == "failed"
    assert "model.onnx was taken for whole" in " ".join(result.measured.faults)


def test_saving_in_place_is_noticed(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_place(root: Path, folder: Path, files: dict[str, bytes]) -> None:
        folder.mkdir(exist_ok=True)
        (root / "CURRENT").write_text(f"{folder.name}\n")
        for name, content in files.items():
            with (folder / name).open("wb") as stream:
                stream.write(content)

    monkeypatch.setattr("regression_model.artifact_folders._place", in_place)

    result = perform(SCENARIOS["full-while-saving"], artifact, short=True)

    assert result.outcome == "failed"


def test_a_status_that_is_not_documented_is_noticed(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_422(url: str) -> Any:
        document = requests.get(url, timeout=30).json()
        for path in document["paths"].values():
            path.get("post", {"responses": {}})["responses"].pop("422", None)
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=url.removesuffix("/openapi.json"))
        return schema

    monkeypatch.setattr("schemathesis.openapi.from_url", without_422)

    result = perform(SCENARIOS["schema-fuzzing"], artifact, short=True, count=30)

    assert result.outcome == "failed"
    assert "Received: 422" in " ".join(result.measured.faults)


# The command and its page


def test_a_scenario_that_breaks_off_has_failed(artifact: Path) -> None:
    broken = SCENARIOS["truncations"]

    result = perform(broken, artifact / "nothing", short=True)

    assert result.outcome == "failed"
    assert "broke off: ModelNotFound" in result.measured.figure
    assert "Traceback" in result.measured.faults[0]


def test_the_command_prints_a_row_and_ends_well(artifact: Path) -> None:
    given = ["chaos", "--artifact", str(artifact), "--short", "--only", "truncations"]

    told = CliRunner().invoke(command, given, catch_exceptions=False)

    assert told.exit_code == 0
    assert "60 truncations" in told.stdout
    assert "passed" in told.stdout


def test_the_command_ends_with_1_where_a_promise_is_broken(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Artifact, "read", lambda self, name: (self.folder / name).read_bytes())
    given = ["chaos", "--artifact", str(artifact), "--short", "--only", "truncations", "--json"]

    told = CliRunner().invoke(command, given, catch_exceptions=False)

    assert told.exit_code == 1
    assert json.loads(told.stdout)["truncations"]["outcome"] == "failed"


def test_an_unknown_scenario_is_refused_with_those_there_are(artifact: Path) -> None:
    told = CliRunner().invoke(command, ["soak", "--artifact", str(artifact), "--only", "nonesuch"])

    assert told.exit_code == 2
    assert "'nonesuch'; expected some of soak" in told.stderr


def test_every_scenario_is_in_the_catalogue_and_in_a_group() -> None:
    assert set(SCENARIOS) == set(REGISTERED)
    assert {known.group for known in SCENARIOS.values()} == set(GROUPS)


def test_the_published_page_is_that_of_the_published_results(tmp_path: Path) -> None:
    found = page.read(PUBLISHED)

    page.write_page(found, tmp_path)

    for name in (page.PAGE, page.MEMORY):
        assert (tmp_path / name).read_bytes() == (DOCS / name).read_bytes()


def test_every_scenario_was_published_and_passed_and_not_at_its_small_size() -> None:
    found = page.read(PUBLISHED)

    assert set(found) == set(SCENARIOS)
    for name, one in found.items():
        assert one["outcome"] == "passed", name
        assert one["count"] > SCENARIOS[name].short or one["count"] == SCENARIOS[name].full, name


def test_publishing_replaces_what_was_measured_again_and_keeps_the_rest(
    artifact: Path, tmp_path: Path
) -> None:
    def publish(name: str, count: int) -> Result:
        result = perform(SCENARIOS[name], artifact, short=True, count=count)
        page.publish([result], tmp_path)
        return result

    publish("truncations", 8)
    publish("flipped-bits", 8)
    publish("truncations", 16)

    text = (tmp_path / page.PAGE).read_text("utf-8")
    assert "16 truncations" in text
    assert "8 flipped bits" in text
    assert "| 8 truncations" not in text
