"""Files of an artifact are damaged, cut off, from elsewhere, or replaced while they are read."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from regression_model import ArtifactError, ArtifactIncompatible, copy_artifact, load_model
from regression_model.artifact import Artifact, open_artifact
from regression_model.artifact_folders import remove_superseded
from reliability.models import content_of, copied
from reliability.scenario import Measured, Trial, scenario
from reliability.service import import_path

READERS = 4
REFUSED_WITHIN = 1.0  # seconds


@scenario(
    "chaos",
    fault="one flipped bit in a file of an artifact",
    promise="refused before anything is loaded",
    full=300,
    short=300,
)
def flipped_bits(trial: Trial) -> Measured:
    """Flip a random bit of each file in turn."""
    rng = random.Random(17)  # noqa: S311  # repeatable, not secret

    def damage(content: bytes, turn: int) -> bytes:
        bit = rng.randrange(8 * len(content))
        spoilt = bytearray(content)
        spoilt[bit // 8] ^= 1 << bit % 8
        return bytes(spoilt)

    return _damaged(trial, damage, "flipped bits")


@scenario(
    "chaos",
    fault="a file of an artifact cut off",
    promise="refused before anything is loaded",
    full=60,
    short=60,
)
def truncations(trial: Trial) -> Measured:
    """Cut each file in turn: to nothing, to one byte, by one byte, then anywhere."""
    rng = random.Random(18)  # noqa: S311  # repeatable, not secret

    def damage(content: bytes, turn: int) -> bytes:
        return content[: {0: 0, 1: 1, 2: len(content) - 1}.get(turn, rng.randrange(len(content)))]

    return _damaged(trial, damage, "truncations")


def _damaged(trial: Trial, damage: Callable[[bytes, int], bytes], what: str) -> Measured:
    """Damage one file after the other, each healed afterwards."""
    root = copied(trial.model.artifact, trial.folder / "models")
    folder = open_artifact(root).folder
    names = sorted(path.name for path in folder.iterdir())
    faults = []
    for turn in range(trial.count):
        path = folder / names[turn % len(names)]
        whole = path.read_bytes()
        path.write_bytes(damage(whole, turn // len(names)))
        if not refused(root):
            faults.append(f"{path.name} was taken for whole (trial {turn})")
        path.write_bytes(whole)
    if refused(root):
        faults.append("the healed artifact is refused")
    return Measured(
        f"{trial.count} {what} in {len(names)} files: {trial.count - len(faults)} refused",
        faults,
        {"trials": trial.count},
    )


def refused(root: Path) -> bool:
    """Whether an artifact is refused by what is read before anything of it is loaded."""
    try:
        opened = open_artifact(root)
        for name in opened.manifest["files"]:
            opened.read(name)
    except ArtifactError:
        return True
    return False


@scenario(
    "chaos",
    fault="`pipeline.joblib` of another minor version of Python or a library; an unknown format",
    promise="refused in < 1 s, both versions named; graph and manifest of a known format load",
    full=1,
    short=1,
)
def other_libraries(trial: Trial) -> Measured:
    """Claim another version of each library in turn, then another format of the whole."""
    from regression_model.training.persistence import GUARDED, load_pipeline

    old = trial.model.artifact
    load_pipeline(old)  # what is imported once is no part of a refusal
    faults, slowest = [], 0.0
    for name in ("python", *GUARDED):
        libraries = {**old.manifest["libraries"], name: "0.99.3"}
        artifact = open_artifact(content_of(old, libraries=libraries).save(trial.folder / name))
        began = time.perf_counter()
        try:
            load_pipeline(artifact)
            faults.append(f"{name}: the pipeline of another version was loaded")
        except ArtifactIncompatible as error:
            both = f"{name} 0.99.3", f"{name} {old.manifest['libraries'][name]}"
            faults += [f"{name}: {error}" for told in both if told not in str(error)]
        slowest = max(slowest, time.perf_counter() - began)
        answer = load_model(artifact.folder).predict(trial.model.houses)
        if answer["predictions"] != trial.model.prices:
            faults.append(f"{name}: the graph gives other prices")
    began = time.perf_counter()
    faults += _unknown_format(old, trial.folder / "format")
    slowest = max(slowest, time.perf_counter() - began)
    if slowest > trial.seconds(REFUSED_WITHIN):
        faults.append(f"a refusal took {slowest:.1f} s")
    return Measured(
        f"{len(GUARDED) + 1} other versions and an unknown format refused in "
        f"{slowest * 1000:.0f} ms at most, both named; the graph gives the same prices",
        faults,
        {"slowest": slowest},
    )


def _unknown_format(old: Artifact, root: Path) -> Iterator[str]:
    path = copied(old, root) / old.folder.name / "manifest.json"
    known = old.manifest["format"]
    path.write_text(path.read_text().replace(f'"format": {known}', f'"format": 9{known}'))
    try:
        load_model(root)
        yield "a graph of an unknown format was loaded"
    except ArtifactIncompatible as error:
        if f"format 9{known}" not in str(error) or f"format {known}" not in str(error):
            yield f"not both formats are named: {error}"


@scenario(
    "chaos",
    fault="an artifact replaced, older ones removed, while 4 processes load it over and over",
    promise="0 errors, each price that of the version which gave it",
    full=500,
    short=40,
)
def replaced_under_readers(trial: Trial) -> Measured:
    """Two models with different prices take turns under processes that load and predict."""
    root = trial.folder / "models"
    old, new = trial.model, trial.newer()
    copy_artifact(old.artifact, root)
    prices = old.by_version | new.by_version
    given = json.dumps({"root": str(root), "houses": old.houses, "prices": prices})
    readers = [_reader(given) for _ in range(READERS)]
    for reader in readers:
        if reader.stdout is None or reader.stdout.readline() != b"ready\n":
            raise RuntimeError("a reader did not start")
    contents = content_of(new.artifact), content_of(old.artifact)
    for turn in range(trial.count):
        content = contents[turn % 2]
        content._replace(manifest={**content.manifest, "turn": turn}).save(root)
        remove_superseded(root, copies=False)
    (root / "stop").touch()
    ended = [reader.communicate(timeout=60) for reader in readers]
    faults = [error.decode()[-500:] for _, error in ended if error]
    codes = [reader.returncode for reader in readers]
    faults += [f"readers ended with {codes}"] if any(codes) else []
    loads = [int(out) for out, _ in ended if out.strip().isdigit()]
    faults += [] if len(loads) == READERS and min(loads) > 1 else [f"models loaded: {loads}"]
    return Measured(
        f"{trial.count} replacements, {sum(loads):,} loads by {READERS} processes: "
        f"{len(faults)} errors",
        faults,
        {"replacements": trial.count, "loads": sum(loads)},
    )


def _reader(given: str) -> subprocess.Popen[bytes]:
    reader = subprocess.Popen(
        [sys.executable, "-c", "from reliability import artifacts; artifacts.read_until_stopped()"],
        env={**os.environ, "PYTHONPATH": import_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if reader.stdin is not None:
        reader.stdin.write(given.encode() + b"\n")
        reader.stdin.flush()
    return reader


def read_until_stopped() -> None:
    """Load, predict, compare, until a file asks to stop; prints how often. Any error ends it."""
    given = json.loads(sys.stdin.readline())
    root = Path(given["root"])
    loads = 0
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not (root / "stop").exists() or loads < 2:
        answer = load_model(root).predict(given["houses"])
        right = given["prices"][answer["version"]]
        if answer["predictions"] != right:
            raise SystemExit(f"prices of {answer['version']}: {answer['predictions']} != {right}")
        loads += 1
    sys.stdout.write(f"{loads}\n")
