"""A deployment: pushed, seen in service, and taken back where it does not hold."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import requests

from regression_model.version import VERSION
from tools.measuring.load import Load
from tools.rehearsal.local_platform import (
    NEVER_SWITCHES,
    RESTARTS_LATE,
    SWITCHES_LATE,
    LocalPlatform,
    Manner,
    local_platform,
)
from tools.release.deploy import put_back
from tools.release.deployed_service import Expected, NotInService, Service
from tools.release.package_index import Refused

pytestmark = pytest.mark.process

Built = tuple[Path, Path]
Ended = subprocess.CompletedProcess[str]
Tool = Callable[..., Ended]


class Stage(NamedTuple):
    """A checkout in git whose version is published, and the platform it goes to."""

    project: Path
    platform: LocalPlatform
    settings: dict[str, str]
    run_tool: Tool

    def deploy(self, *arguments: str, **settings: str) -> Ended:
        return self.run_tool(
            "deploy", *arguments, checkout=self.project, **{**self.settings, **settings}
        )

    def source(self) -> str:
        """The source revision of the platform's commit in service, by its message."""
        if self.platform.sha is None:
            return ""
        message = git(self.platform.remote, "log", "-1", "--format=%s", self.platform.sha)
        return message.removeprefix("Deploy ")

    def commit(self, name: str, edit: Callable[[str], str]) -> str:
        """Change a file of the project; the commit that has it."""
        path = self.project / name
        path.write_text(edit(path.read_text("utf-8")), "utf-8")
        git(self.project, "commit", "--quiet", "--all", "--message", f"Change {name}")
        return git(self.project, "rev-parse", "HEAD")


def git(folder: Path, *command: str) -> str:
    who = {f"GIT_{role}_{what}": "nobody" for role in ("AUTHOR", "COMMITTER") for what in WHAT}
    ended = subprocess.run(
        ["git", *command],
        cwd=folder,
        env={**os.environ, **who},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


WHAT = ("NAME", "EMAIL")


@pytest.fixture(scope="module")
def stage(
    serve_index: Callable[..., Any],
    checkout: Callable[..., Path],
    built: Built,
    run_tool: Tool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    project = checkout()
    (project / ".gitignore").write_text("artifacts/\n__pycache__/\n")
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "A release")
    home = tmp_path_factory.mktemp("platform") / "home"
    with serve_index("--hash-algo", "sha256", fallback=True) as index:
        ended = run_tool("publish", built[0].parent, checkout=project, **index.settings)
        assert ended.returncode == 0, ended.stderr
        with local_platform(home, PIP_INDEX_URL=index.simple, WEB_CONCURRENCY="2") as platform:
            remote = {"DEPLOY_REMOTE": str(platform.remote), "DEPLOY_URL": platform.url}
            settings = {**index.settings, **remote, "DEPLOY_PATIENCE": "5"}
            yield Stage(project, platform, settings, run_tool)


@pytest.fixture
def deployed(stage: Stage) -> Stage:
    """With the project as it is at first in service."""
    if stage.source() != git(stage.project, "rev-parse", "main"):
        ended = stage.deploy("main")
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return stage


@pytest.fixture(autouse=True)
def _branch(request: pytest.FixtureRequest) -> Iterator[None]:
    """Changes of a test stay on a branch of their own."""
    if "deployed" not in request.fixturenames:
        yield
        return
    stage: Stage = request.getfixturevalue("deployed")
    git(stage.project, "checkout", "--quiet", "-b", "change")
    yield
    stage.platform.settle()
    stage.platform.manner = Manner()
    git(stage.project, "checkout", "--quiet", "main")
    git(stage.project, "branch", "--quiet", "-D", "change")


def test_a_release_is_pushed_installed_by_hash_and_seen_in_service(deployed: Stage) -> None:
    running = deployed.platform.sha
    assert running is not None
    source = git(deployed.project, "rev-parse", "HEAD")
    told = git(deployed.platform.remote, "show", f"{running}:requirements.txt")
    version = requests.get(f"{deployed.platform.url}/version", timeout=30).json()
    metrics = requests.get(f"{deployed.platform.url}/metrics", timeout=30).text

    assert git(deployed.platform.remote, "rev-parse", "main") == running
    assert "--hash=sha256:" in told.splitlines()[-1]
    assert "--hash" not in (deployed.project / "requirements.txt").read_text().splitlines()[-1]
    assert git(deployed.project, "status", "--porcelain") == ""
    assert version["revision"] == source
    assert re.search(f'^ml_api_build_info{{.*revision="{source}".*}} 1.0$', metrics, re.M)


@pytest.mark.conformance
def test_the_same_revision_is_deployed_once(deployed: Stage) -> None:
    running, ends = deployed.platform.sha, len(deployed.platform.ended)

    again = deployed.deploy()

    assert again.returncode == 0, again.stderr
    assert "nothing is pushed" in again.stdout
    assert (deployed.platform.sha, len(deployed.platform.ended)) == (running, ends)


@pytest.mark.conformance
def test_a_switch_that_comes_late_is_waited_for_and_no_client_notices_it(
    deployed: Stage, built: Built
) -> None:
    golden = Expected.of(built[1], {}).golden
    priced = [row for row in golden if row["prediction"] is not None]
    port = int(deployed.platform.url.rpartition(":")[2])
    main = deployed.source()
    git(deployed.project, "commit", "--quiet", "--allow-empty", "--message", "The same files")
    source = git(deployed.project, "rev-parse", "HEAD")
    deployed.platform.manner = SWITCHES_LATE

    with Load(
        port,
        [row["house"] for row in priced],
        {VERSION: [row["prediction"] for row in priced]},
    ) as load:
        ended = deployed.deploy(DEPLOY_PATIENCE="30")
        deployed.platform.settle()

    assert ended.returncode == 0, ended.stderr
    before, after = ended.stdout.split("in service before: ")[1].split("\nin service: ")
    assert f"source revision {main}" in before
    assert f"source revision {source}" in after
    assert deployed.source() == source
    assert deployed.platform.ended[-1] == 0
    assert load.answers.versions[VERSION] == load.answers.asked > 100
    assert load.answers.failures == []
    assert load.answers.mixed == 0


@pytest.mark.conformance
def test_prices_that_are_not_those_of_the_release_are_rolled_back(deployed: Stage) -> None:
    before = deployed.platform.sha
    deployed.commit(
        "ml_api/front.py",
        lambda text: text.replace(
            "        if all(price is None",
            '        result["predictions"] = [p and p * 1.01 for p in result["predictions"]]\n'
            "        if all(price is None",
        ),
    )

    ended = deployed.deploy()

    assert ended.returncode == 1
    assert "golden house 0 costs" in ended.stderr
    assert "Rolled back: platform commit" in ended.stderr
    assert deployed.platform.sha == before
    assert deployed.deploy("main").returncode == 0
    assert deployed.platform.ended[-2:] == [0, 0]


def test_another_version_than_was_deployed_is_rolled_back(deployed: Stage) -> None:
    before = deployed.platform.sha
    deployed.commit(
        "ml_api/routes/health.py",
        lambda text: text.replace(".info()", '.info(), "artifact": "another"'),
    )

    ended = deployed.deploy()

    assert ended.returncode == 1
    assert re.search("artifact another, .*, expected model", ended.stderr)
    assert deployed.platform.sha == before


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("Procfile", lambda _: "web: gunicorn ml_api.nothing:app\n", "it is not ready within"),
        ("requirements/serving.txt", lambda text: text + "idna==3.10\n", "cannot be installed"),
    ],
)
def test_what_the_platform_cannot_run_is_refused_and_what_ran_still_runs(
    deployed: Stage, name: str, edit: Callable[[str], str], said: str
) -> None:
    before = deployed.platform.sha
    deployed.commit(name, edit)

    ended = deployed.deploy()

    assert ended.returncode == 1
    assert said in ended.stdout
    assert "what ran still runs" in ended.stderr
    assert deployed.platform.sha == before
    assert deployed.deploy("main").returncode == 0


def break_start(text: str) -> str:
    return f"{text})\n"


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("manner", "patience", "answered"),
    [
        (Manner(waits=False), "3", "source revision"),
        (RESTARTS_LATE, "8", "GET /version answers 503"),
    ],
    ids=["the old one answers on", "nothing answers"],
)
def test_a_commit_that_cannot_start_is_not_in_service(
    deployed: Stage, manner: Manner, patience: str, answered: str
) -> None:
    before = deployed.platform.sha
    deployed.commit("ml_api/wsgi.py", break_start)
    deployed.platform.manner = manner

    ended = deployed.deploy(DEPLOY_PATIENCE=patience)

    assert ended.returncode == 1
    assert answered in ended.stderr
    assert f"Rolled back: platform commit {before} was pushed again" in ended.stderr
    deployed.platform.settle()
    assert deployed.platform.sha == before


@pytest.mark.conformance
def test_a_push_that_is_accepted_and_never_served_is_found_out(deployed: Stage) -> None:
    before, main = deployed.platform.sha, deployed.source()
    source = deployed.commit("README.md", lambda text: f"{text}\n")
    deployed.platform.manner = NEVER_SWITCHES

    ended = deployed.deploy(DEPLOY_PATIENCE="1")
    pushed = re.search("platform commit ([0-9a-f]{40}), made of it", ended.stdout)
    assert pushed is not None
    git(deployed.platform.remote, "update-ref", "refs/heads/main", pushed[1])
    again = deployed.deploy(DEPLOY_PATIENCE="1")
    git(deployed.platform.remote, "update-ref", "refs/heads/main", str(before))

    for said in (ended, again):
        assert said.returncode == 1
        assert re.search(
            f"source revision {main}, expected .*source revision {source}", said.stderr
        )
    assert "Rolled back" in ended.stderr
    assert "nothing is pushed" in again.stdout
    assert "There is no other platform commit to put back" in again.stderr


@pytest.mark.conformance
def test_an_old_source_that_tells_no_revision_is_deployed_with_a_caution(deployed: Stage) -> None:
    git(deployed.project, "mv", "ml_api/revision.py", "ml_api/earlier.py")
    for name in ("__init__.py", "routes/health.py", "routes/metrics.py"):
        deployed.commit(f"ml_api/{name}", as_before_revisions)

    ended = deployed.deploy()

    assert ended.returncode == 0, ended.stderr
    assert "caution: this source tells no revision" in ended.stdout
    assert ended.stdout.endswith("source revision unknown\n")


def as_before_revisions(text: str) -> str:
    text = text.replace("headers, revision, routes", "headers, earlier as revision, routes")
    return text.replace("ml_api.revision", "ml_api.earlier").replace(', "revision": revision()', "")


@pytest.mark.conformance
def test_a_version_that_is_not_published_is_not_deployed(deployed: Stage) -> None:
    deployed.commit("requirements.txt", lambda text: text.replace("[api]==", "[api]==9"))

    ended = deployed.deploy()

    assert ended.returncode == 1
    assert "expected 1" in ended.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"DEPLOY_REMOTE": ""}, "set DEPLOY_REMOTE: where to push to"),
        ({"DEPLOY_REMOTE": "", "DEPLOY_URL": ""}, "set DEPLOY_REMOTE and DEPLOY_URL"),
        ({"DEPLOY_URL": "ftp://user:secret@host"}, "DEPLOY_URL is ftp://host: expected https://"),
        ({"DEPLOY_PATIENCE": "soon"}, "DEPLOY_PATIENCE is soon: expected seconds"),
        ({"DEPLOY_REMOTE": "http://u:secret@127.0.0.1:1/x.git"}, "cannot be asked"),
        ({"TWINE_REPOSITORY_URL": ""}, "no index is named"),
    ],
)
def test_a_setting_that_does_not_do_is_named(
    stage: Stage, settings: dict[str, str], said: str
) -> None:
    ended = stage.deploy(**settings)

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "secret" not in ended.stdout + ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_revision_that_is_unknown_is_named(stage: Stage) -> None:
    ended = stage.deploy("v9")

    assert ended.returncode == 1
    assert ended.stderr.startswith("deploy: no v9")


class FromMemory:
    """A platform or a service that does as told: what no real one does when it is wanted."""

    def __init__(self, **answers: object) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., object]:
        def answer(*_: object, **__: object) -> object:
            given = self._answers.get(name)
            if isinstance(given, Exception):
                raise given
            return given

        return answer


@pytest.mark.parametrize(
    ("platform", "service", "said"),
    [
        (FromMemory(), FromMemory(), f"Rolled back: platform commit {'0' * 40} was pushed again"),
        (FromMemory(push=Refused("in use")), FromMemory(), "NOT rolled back: in use. Look"),
        (FromMemory(), FromMemory(see_again=NotInService("silence")), "NOT rolled back: silence."),
    ],
    ids=["done", "the platform refuses", "the service stays away"],
)
def test_a_roll_back_that_fails_is_not_called_one(platform: Any, service: Any, said: str) -> None:
    told = {"model_version": "1"}

    assert put_back("0" * 40, told, "1" * 40, platform, service).startswith(said)


def test_a_roll_back_promises_nothing_of_what_did_not_answer() -> None:
    platform: Any = FromMemory()
    service: Any = FromMemory()

    said = put_back("0" * 40, None, "1" * 40, platform, service)

    assert said.endswith("was pushed again; it did not answer before either")


def test_what_ran_before_must_answer_again() -> None:
    service = Service("http://user:secret@127.0.0.1:1", key=None, patience=0)

    with pytest.raises(NotInService, match=r"^http://127\.0\.0\.1:1 does not answer: Connection"):
        service.see_again({"model_version": "1"})


class Stranger(BaseHTTPRequestHandler):
    """Answers what the class is told, whatever is asked."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("predictions", "said"),
    [
        ("", "2 golden houses get other than as many prices"),
        (', "predictions": null', "2 golden houses get other than as many prices"),
        (', "predictions": [1.0]', "2 golden houses get other than as many prices"),
        (', "predictions": [NaN, null]', "golden house 0 costs nan, expected 1.0"),
        (', "predictions": ["1.0", null]', "golden house 0 costs '1.0', expected 1.0"),
        (', "predictions": [1.0, 0]', "golden house 1 costs 0, expected None"),
        (', "predictions": [null, null]', "golden house 0 costs None, expected 1.0"),
    ],
)
def test_answers_that_are_no_prices_are_not_in_service(
    predictions: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.release.deployed_service.PAUSE_SECONDS", 0)
    told = type("Told", (Stranger,), {"body": f'{{"model_version": "1"{predictions}}}'.encode()})
    golden: list[dict[str, Any]] = [{"house": {}, "prediction": right} for right in (1.0, None)]

    with HTTPServer(("127.0.0.1", 0), told) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        service = Service(f"http://127.0.0.1:{server.server_port}", key=None, patience=0)
        with pytest.raises(NotInService, match=f"^{re.escape(said)}$"):
            service.see(Expected({"model_version": "1"}, golden))
        server.shutdown()


def test_nothing_at_the_address_is_not_in_service() -> None:
    service = Service("http://127.0.0.1:1", key=None, patience=0)

    assert service.version() is None
    with pytest.raises(NotInService, match="does not answer: ConnectionError"):
        service.see(Expected({"model_version": "1.0.0"}, []))
