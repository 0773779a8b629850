"""Build the image of the service from dist/, run it, and prove what it promises.

It runs as its user on a read-only root, answers a golden house of its model to the dollar, says
that it is healthy, has the workers that were asked for, and ends with 0 on SIGTERM. What each layer
weighs is listed.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.container.engine import Container, Engine, find, run
from tools.container.layers import layers, table
from tools.measuring import local_server
from tools.measuring.local_server import DOLLAR, JSON, PREDICT, becomes_ready, free_port
from tools.release.project import NAME, ROOT
from tools.release.wheel_model import golden_houses

TAG = NAME
COPIED = ("Dockerfile", "gunicorn.conf.py", "ml_api", "requirements/serving.txt")
WORKERS = 2
READY_SECONDS = 60

# What pip is told on this machine and still holds inside of a build. Files and folders are not
# there, and of a second index there is never one.
HOLDS = ("index-url", "proxy", "timeout", "default-timeout", "trusted-host")

WRITES = """
import errno, pathlib, sys
for folder in sys.argv[1:]:
    try:
        pathlib.Path(folder, "written").write_text("")
        print(folder, "was written to")
    except OSError as error:
        if error.errno != errno.EROFS:
            print(folder, "is not read-only but", error.strerror)
"""
CHILDREN = """
import pathlib, sys
stats = pathlib.Path("/proc").glob("[0-9]*/stat")
parents = [path.read_text().rpartition(")")[2].split()[1] for path in stats]
print(parents.count(sys.argv[1]))
"""


def main() -> None:
    """Build, run, check; then list the layers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--storage", type=Path, required=True, help="where Buildah keeps images")
    parser.add_argument("--base", help="the image to build on (default: what the engine has)")
    arguments = parser.parse_args()
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"dist/ holds {len(wheels)} wheels, expected 1: tox -e package")
    engine = find(arguments.storage)
    base = arguments.base or engine.base()
    print(f"{engine.name} builds on {base or 'what the Dockerfile names'}", flush=True)
    revision = source_revision()
    with pip_secrets() as secrets:
        engine.build(ROOT, TAG, given={"BASE": base, "REVISION": revision}, secrets=secrets)
    check(engine, golden_houses(wheels[0])[1], revision)
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        archive = Path(folder, "image.tar")
        engine.save(TAG, archive)
        print("\n" + table(layers(archive)))


def source_revision() -> str | None:
    """The commit that the files of the image are from; None where they are as in no commit."""
    status = ["git", "status", "--porcelain", "--", *COPIED]
    changed = run(status, check=False, cwd=ROOT)
    head = run(["git", "rev-parse", "--verify", "HEAD"], check=False, cwd=ROOT)
    if changed.returncode or head.returncode or changed.stdout:
        return None
    commit: str = head.stdout.strip()
    return commit


@contextmanager
def pip_secrets() -> Iterator[dict[str, Path]]:
    """What pip is told on this machine, as files, for as long as a build takes."""
    listed = run([sys.executable, "-m", "pip", "config", "list"]).stdout.splitlines()
    settings = {
        name.removeprefix(section): ast.literal_eval(value)
        for section in ("global.", "install.", ":env:.")  # the last that says something holds
        for name, _, value in (line.partition("=") for line in listed)
        if name.startswith(section)
    }
    lines = [f"{name} = {settings[name]}" for name in HOLDS if name in settings]
    with tempfile.TemporaryDirectory(prefix="pip-") as folder:
        secrets = {"pip": Path(folder, "pip.conf")}
        if "cert" in settings:
            secrets["certificates"] = Path(settings["cert"])
            lines.append("cert = /run/secrets/certificates")
        secrets["pip"].write_text("\n".join(["[global]", *lines, ""]), "utf-8")
        yield secrets


def check(engine: Engine, rows: list[dict[str, Any]], revision: str | None) -> None:
    """Run the image and hold it to its promises; the first that is broken ends this."""
    config = engine.config(TAG)
    port = free_port()
    environment = {"PORT": str(port), "WEB_CONCURRENCY": str(WORKERS)}
    container = engine.run(TAG, environment)
    try:
        ready = becomes_ready(port, seconds=READY_SECONDS)
        seconds = time.monotonic() - container.began
        require(ready, f"not ready after {seconds:.0f} seconds")
        say(f"ready {seconds:.2f} s after it was started, {WORKERS} workers asked for")
        check_revision(port, revision)
        check_answer(port, rows)
        check_inside(container, config)
    except BaseException:
        container.stop()
        raise
    code = container.stop()
    require(code == 0, f"it ended with {code} on SIGTERM, expected 0")
    say("SIGTERM: ended with 0")


def check_revision(port: int, expected: str | None) -> None:
    """It is the image of this source that answers."""
    told = ask(port, "/version")["revision"]
    require(told == expected, f"it tells revision {told}, expected {expected}")
    say(f"tells its revision: {told or 'none, for its files are as in no commit'}")


def check_answer(port: int, rows: list[dict[str, Any]]) -> None:
    """A golden house has its price."""
    row = next(row for row in rows if row["prediction"] is not None)
    asked = {"method": "POST", "body": json.dumps(row["house"]), "headers": JSON}
    (price,) = ask(port, PREDICT, **asked)["predictions"]
    expected = row["prediction"]
    require(abs(price - expected) <= DOLLAR, f"a golden house costs {price}, expected {expected}")
    say(f"a golden house costs {price}, as recorded")


def check_inside(container: Container, config: dict[str, Any]) -> None:
    """User, read-only root, health check and workers, as seen from inside."""
    user = container.execute("id", "-u").stdout.strip()
    require(user == config["User"].partition(":")[0] != "0", f"it runs as user {user!r}")
    say(f"runs as user {user}")
    folders = ("/", "/srv", "/opt/service", "/etc", "/tmp", "/var/tmp")  # noqa: S108  # as said
    written = container.execute("python", "-c", WRITES, *folders)
    require(written.returncode == 0 and not written.stdout, written.stdout + written.stderr)
    say(f"cannot write to {', '.join(folders)}: read-only")
    kind, *command = config["Healthcheck"]["Test"]
    healthy = container.execute(*command)
    require(kind == "CMD" and healthy.returncode == 0, f"the health check says {healthy.stderr}")
    say("the image's health check passes")
    workers = container.execute("python", "-c", CHILDREN, str(container.main)).stdout.strip()
    require(workers == str(WORKERS), f"it has {workers} workers, expected {WORKERS}")
    say(f"{workers} workers")


def require(holds: bool, fault: str) -> None:
    """End with a fault unless something holds."""
    if not holds:
        raise SystemExit(f"image: {fault}")


def say(line: str) -> None:
    """Print at once, between the lines of the service."""
    print(f"- {line}", flush=True)


def ask(port: int, path: str, **request: Any) -> Any:
    """Return what ``path`` answers, as JSON; end with a fault where it refuses."""
    status, content = local_server.ask(port, request.pop("method", "GET"), path, **request)
    require(status == 200, f"{path} answers {status}")
    return json.loads(content)


if __name__ == "__main__":
    main()
