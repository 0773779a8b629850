"""Rehearse a release on this machine, with a real index and a real platform: ``tox -e rehearse``.

In a clone of what is committed, 1.0.0 is trained, published and deployed. The config is changed;
1.1.0 is trained, compared, published, and deployed while clients ask for prices; then 1.0.0 is put
back under the same load. The platform accepts a push and switches later, as most platforms do.
Another clone builds 1.1.0 again, to the byte. Each step is the command that CI runs, so a rehearsal
that passes has run them all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from regression_model.errors import InvalidInput
from regression_model.file_conflicts import refuse_conflicts
from regression_model.files.atomic_file import write_text
from tools.container.engine import NoEngine, find
from tools.measuring.load import Answers, Load
from tools.rehearsal.checkout import Checkout, Release
from tools.rehearsal.local_index import LocalIndex, local_index
from tools.rehearsal.local_platform import SWITCHES_LATE, LocalPlatform, local_platform
from tools.rehearsal.page import page
from tools.rehearsal.sizes import image_layers, sizes
from tools.release.package_index import Refused
from tools.release.project import ROOT

CONFIG = "regression_model/config.yml"
FIRST, SECOND = "1.0.0", "1.1.0"
CHANGE = ("min_samples_leaf: 8\n", "min_samples_leaf: 12\n")


class Options(NamedTuple):
    """What the rehearsal is told."""

    data: Path | None
    environments: Path
    image: bool


def main() -> None:
    """Rehearse, and write what was seen; exit code 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="sales to train on (default: the bundled sample)")
    parser.add_argument("--folder", type=Path, help="where clones, index and platform are kept")
    parser.add_argument("--environments", type=Path, required=True, help="where tox keeps its own")
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "rehearsal.md")
    parser.add_argument("--no-image", action="store_true", help="leave out the container")
    told = parser.parse_args()
    data = told.data and told.data.resolve()
    options = Options(data, told.environments.resolve(), not told.no_image)
    told.report.parent.mkdir(parents=True, exist_ok=True)
    log = told.report.resolve().with_suffix(".log")
    try:
        read = {} if data is None else {"--data": data}
        refuse_conflicts({"--report": told.report, "its log": log}, read)
        log.unlink(missing_ok=True)
        with ExitStack() as stack:
            folder = told.folder or stack.enter_context(temporary_folder())
            text, faults = rehearse(folder.resolve(), options, log)
    except (Refused, InvalidInput) as refused:
        sys.exit(f"rehearse: {refused}\nwhat each step printed: {log}")
    write_text(told.report, text)
    print(f"\n{text}\nwritten to {told.report}")
    if faults:
        sys.exit(f"rehearse: {'; '.join(faults)}")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        yield Path(folder)


def rehearse(folder: Path, options: Options, log: Path) -> tuple[str, list[str]]:
    """The page of a rehearsal in the new ``folder``, and what did not hold."""
    with (
        local_index(folder / "index", "--hash-algo", "sha256") as index,
        local_platform(
            folder / "platform", PIP_INDEX_URL=index.simple, WEB_CONCURRENCY="2"
        ) as platform,
    ):
        platform.manner = SWITCHES_LATE
        project = Checkout.clone(ROOT, folder / "project", options.environments, log=log)
        project.settings |= settings(index, platform)
        first = release(project, FIRST, options.data)
        project.tox("-e", "deploy")
        project.change(CONFIG, *CHANGE)
        second = release(project, SECOND, options.data)
        moves = hand_over(project, platform, first, second)
        platform.settle()
        ended = [*platform.ended]
    elsewhere = Checkout.clone(project.folder, folder / "again", options.environments, log=log)
    again = both_hashes(second, elsewhere.package(SECOND, options.data))
    weighed = sizes(second, elsewhere, folder / "installed")
    layers = layers_of(elsewhere, options)
    faults = [
        *(fault for move, seen in moves.items() for fault in faults_of(seen, move)),
        *(f"{name} is not the same twice" for name, (one, two) in again.items() if one != two),
        *(f"a release ended with {code}" for code in ended if code),
    ]
    return page(second, moves, ended, again, weighed, layers, faults), faults


def settings(index: LocalIndex, platform: LocalPlatform) -> dict[str, str]:
    """What CI has from its contexts."""
    return {
        **index.settings,
        "PIP_INDEX_URL": index.simple,
        "DEPLOY_REMOTE": str(platform.remote),
        "DEPLOY_URL": platform.url,
        "DEPLOY_PATIENCE": "30",
    }


def release(project: Checkout, version: str, data: Path | None) -> Release:
    """Train, compare with the release before, build, publish: as on a push to main."""
    project.tox("-e", "bump", "--", version)
    project.commit(f"Release {version}")
    made = project.package(version, data)
    artifacts = ("released", "regression_model/artifacts")
    project.tox("-e", "differential", "--", *artifacts, "--report", str(made.differential))
    project.tox("-e", "sbom")
    project.tox("-e", "publish", "--", "--if-new")
    return made


def hand_over(
    project: Checkout, platform: LocalPlatform, first: Release, second: Release
) -> dict[str, Answers]:
    """What clients are answered while the second release takes over, and while it is taken back."""
    houses, prices = golden_houses(first, second)
    port = int(platform.url.rpartition(":")[2])
    moves = {f"{FIRST} to {SECOND}": second, f"back to {FIRST}": first}
    answers = {}
    for move, to in moves.items():
        with Load(port, houses, prices) as load:
            project.tox("-e", "deploy", "--", to.revision)
        answers[move] = load.answers
    return answers


def golden_houses(
    first: Release, second: Release
) -> tuple[list[dict[str, object]], dict[str, list[float]]]:
    """The golden houses that both releases have prices for, and these."""
    one, two = first.golden(), second.golden()
    if [row["house"] for row in one] != [row["house"] for row in two]:
        raise Refused("the two releases have other golden houses")
    both = [pair for pair in zip(one, two, strict=True) if None not in prices_of(pair)]
    columns = list(zip(*map(prices_of, both), strict=True))
    houses = [row["house"] for row, _ in both]
    return houses, {FIRST: list(columns[0]), SECOND: list(columns[1])}


def prices_of(pair: tuple[dict[str, object], dict[str, object]]) -> tuple[object, object]:
    """What both say of one house."""
    return pair[0]["prediction"], pair[1]["prediction"]


def faults_of(answers: Answers, move: str) -> list[str]:
    """What clients met that they should not have."""
    found = [f"{move}: {count} x {why}" for why, count in answers.reasons().items()]
    if answers.mixed:
        found.append(f"{move}: {answers.mixed} prices are not those of the version that is named")
    if set(answers.versions) != {FIRST, SECOND}:
        found.append(f"{move}: answered by {sorted(answers.versions)}, expected both")
    return found


def both_hashes(one: Release, two: Release) -> dict[str, tuple[str, str]]:
    """The SHA-256 of what was published, and of the same built in another clone."""
    ours, theirs = one.hashes(), two.hashes()
    return {name: (ours.get(name, ""), theirs.get(name, "")) for name in ours | theirs}


def layers_of(checkout: Checkout, options: Options) -> str:
    """The table of the image's layers, or why there is none."""
    if not options.image:
        return "Left out (`--no-image`)."
    try:
        find(options.environments / "image-storage")
    except NoEngine as missing:
        return f"Not built: {missing}"
    return image_layers(checkout.tox("-e", "image"))


if __name__ == "__main__":
    main()
