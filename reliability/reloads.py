"""A new model comes into service under load, or does not, and no request notices."""

from __future__ import annotations

import shutil
from itertools import cycle, islice
from pathlib import Path

from regression_model import copy_artifact
from reliability.models import BREAKINGS, copied
from reliability.scenario import Measured, Trial, scenario
from reliability.service import Service
from tools.measuring.load import BOTH_KINDS, Load
from tools.measuring.local_server import PATIENCE, wait_for

WORKERS = 2


@scenario(
    "chaos",
    fault="reload onto a corrupt, truncated, wrong-version or missing artifact, under load",
    promise="0 failed requests, the old version answers, one error logged by each worker",
    full=20,
    short=4,
)
def broken_reload(trial: Trial) -> Measured:
    """Break the artifact, reload, heal it, reload; one kind of damage after the other."""
    faults: list[str] = []
    root = trial.folder / "models"
    with trial.serve(copied(trial.model.artifact, root), WEB_CONCURRENCY=f"{WORKERS}") as service:
        wait_for(lambda: len(service.log("model.loaded")) == WORKERS)
        with trial.load(service) as load:
            for turn, kind in enumerate(islice(cycle(BREAKINGS), trial.count), start=1):
                BREAKINGS[kind](root)
                _reload(service, "model.last_good_loaded", turn)
                errors = len(service.log("model.unavailable"))
                if errors != turn * WORKERS:
                    faults.append(f"{kind}: {errors} errors in the log after {turn} reloads")
                copied(trial.model.artifact, _emptied(root))
                _reload(service, "model.loaded", turn + 1)
    answers = load.answers
    faults += answers.faults()
    return Measured(
        f"{trial.count} broken reloads, {answers}; "
        f"{sum(answers.versions.values()):,} answered by the old version",
        faults,
        answers.figures(),
    )


@scenario(
    "chaos",
    fault="good reload under load, 2 workers, connections kept and not",
    promise="0 failures; each answer carries the version that made its price",
    full=20,
    short=3,
)
def good_reload(trial: Trial) -> Measured:
    """Two sound models with different prices take turns."""
    root = trial.folder / "models"
    old, new = trial.model, trial.newer()
    copy_artifact(old.artifact, root)
    faults = []
    with trial.serve(root, WEB_CONCURRENCY=f"{WORKERS}") as service:
        prices = old.by_version | new.by_version
        with Load(service.port, old.houses, prices, keeping=BOTH_KINDS) as load:
            for turn in range(trial.count):
                model = (new, old)[turn % 2]
                copy_artifact(model.artifact, root)
                _reload(service, "model.loaded", turn + 2)
                faults += _other_than(service, model.version, trial)
    answers = load.answers
    faults += answers.faults()
    faults += [] if set(answers.versions) == set(prices) else [f"{dict(answers.versions)}"]
    told = " and ".join(f"{n:,} by {version}" for version, n in sorted(answers.versions.items()))
    return Measured(
        f"{trial.count} reloads, {answers}; answered {told}, "
        f"{answers.mixed} with a price of the other",
        faults,
        {**answers.figures(), "mixed": answers.mixed},
    )


def _reload(service: Service, event: str, turn: int) -> None:
    service.reload()
    wait_for(lambda: len(service.log(event)) >= turn * WORKERS, seconds=PATIENCE)


def _emptied(root: Path) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    return root


def _other_than(service: Service, version: str, trial: Trial) -> list[str]:
    """What is wrong once the old workers are gone: an answer of theirs."""
    prices = {version: trial.model.prices}
    with Load(service.port, trial.model.houses, prices, keeping=[False], most=10) as load:
        found = load.join().versions
    return [] if set(found) == {version} else [f"after the reload to {version}: {dict(found)}"]
