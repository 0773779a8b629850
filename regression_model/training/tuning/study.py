"""The study of a search: a SQLite file of trials that a killed run leaves whole, and resumes."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from regression_model.artifact_folders import is_running
from regression_model.config.spec import Sought, Spec
from regression_model.errors import StudyRefused
from regression_model.training.tuning.search import Place, Value, as_text, present_values

_NAME = "regression-model tune"
_INCUMBENT, _STARTED_WITH, _PROCESS = "incumbent", "started with", "process"
_DIGITS = 3  # of a number that is tried: more would be noise, and unreadable in a config


def _fingerprint(spec: Spec, data: str, repeats: int) -> dict[str, str]:
    """Return what must not change when a study is continued."""
    model = spec.model_dump(mode="json", include={"features", "derived", "members"})
    model |= spec.model_dump(mode="json", include={"elapsed", "missing_indicators"})
    space = spec.model_dump(mode="json", include={"search"})
    return {
        "data": data,
        "seed": str(spec.seed),
        "folds": f"{repeats} x {spec.validation.folds}",
        "model": _digest(model),
        "search space": _digest(space),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def open_study(path: Path, spec: Spec, *, data: str, repeats: int) -> Iterator[optuna.Study]:
    """Give the study in the file ``path``, a new one if the file does not exist.

    ``data`` is the SHA-256 of the sales, ``repeats`` how often each trial is cross-validated. A
    trial is pruned when it is behind the median of the others after half a repeat. Trials that a
    killed run left behind count as failed. Raises StudyRefused where the file is something else,
    was started with other settings, or is in use by another process.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _check_file(path)
    url = URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    try:
        storage = optuna.storages.RDBStorage(url)
    except (SQLAlchemyError, RuntimeError) as error:
        raise StudyRefused(f"{path}: cannot hold a study: {error.__cause__ or error}") from error
    try:
        study = optuna.create_study(
            study_name=_NAME,
            storage=storage,
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=(spec.validation.folds - 1) // 2),
            load_if_exists=True,
        )
        _claim(study, path, _fingerprint(spec, data, repeats))
        try:
            yield study
        finally:
            study.set_user_attr(_PROCESS, None)
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StudyRefused(f"{path}: cannot be written: {error.__cause__ or error}") from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


@contextmanager
def saved_study(path: Path) -> Iterator[optuna.Study]:
    """Give the study in the file ``path``, to be read; StudyRefused where it holds none."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _check_file(path)
    url = URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    storage = optuna.storages.RDBStorage(url)
    try:
        yield optuna.load_study(study_name=_NAME, storage=storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _check_file(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise StudyRefused(f"{path}: there is no such folder; name another file with --study")
    if not path.exists():
        return
    try:
        reading = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        with closing(reading) as database:
            names = [name for (name,) in database.execute("SELECT study_name FROM studies")]
    except sqlite3.Error:
        names = []
    if _NAME not in names:
        raise StudyRefused(f"{path}: holds no study of 'tune'; name another file with --study")


def _claim(study: optuna.Study, path: Path, begun_with: Mapping[str, str]) -> None:
    owner = study.user_attrs.get(_PROCESS)
    if owner is not None and owner != os.getpid() and is_running(owner):
        raise StudyRefused(f"{path}: is in use by process {owner}; name another file with --study")
    before = study.user_attrs.get(_STARTED_WITH, begun_with)
    differing = [part for part, value in begun_with.items() if before.get(part) != value]
    if differing:
        raise StudyRefused(
            f"{path}: was started with another {' and another '.join(differing)}, so its trials do "
            "not compare; begin another file with --study, or remove this one"
        )
    study.set_user_attr(_STARTED_WITH, dict(begun_with))
    study.set_user_attr(_PROCESS, os.getpid())
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def finished(study: optuna.Study) -> int:
    """Return how many trials came to an end: complete or pruned, not interrupted."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def incumbent(study: optuna.Study) -> FrozenTrial | None:
    """Return the trial of the present config, once it is complete."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return next((trial for trial in complete if _INCUMBENT in trial.user_attrs), None)


def next_trial(study: optuna.Study, spec: Spec) -> optuna.Trial:
    """Return the next trial: first the present config, then what TPE suggests.

    The sampler begins anew each time, seeded by the number of finished trials, so that a study
    that was interrupted goes the same way as one that was not.
    """
    seed = (spec.seed + finished(study)) % 2**32
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if incumbent(study) is None and not waiting:
        present = present_values(spec)
        values = {
            _key(s): as_text(s.choices[s.choices.index(value)]) if s.choices else value
            for s in spec.search
            if (value := present.get((s.member, s.name))) is not None
        }
        study.enqueue_trial(values, user_attrs={_INCUMBENT: True})
    return study.ask({_key(s): _distribution(s, spec) for s in spec.search})


def values_of(trial: optuna.Trial | FrozenTrial, spec: Spec) -> dict[Place, Value]:
    """Return what a trial tries, by member and name."""
    present = present_values(spec)
    if _INCUMBENT in trial.user_attrs:
        return present
    return {(s.member, s.name): _tried(s, trial.params[_key(s)]) for s in spec.search}


def _key(sought: Sought) -> str:
    return f"{sought.member}.{sought.name}"


def _distribution(sought: Sought, spec: Spec) -> BaseDistribution:
    if sought.bounds is None:  # as text, for Optuna holds 1, 1.0 and true for the same
        return CategoricalDistribution([as_text(choice) for choice in sought.choices])
    low, high = sought.bounds
    if isinstance(present_values(spec)[sought.member, sought.name], int):
        return IntDistribution(int(low), int(high), log=sought.log)
    return FloatDistribution(low, high, log=sought.log)


def _tried(sought: Sought, given: Any) -> Value:
    if sought.bounds is None:
        return next(choice for choice in sought.choices if as_text(choice) == given)
    if isinstance(given, int):
        return given
    low, high = sought.bounds
    return float(min(max(float(f"{given:.{_DIGITS}g}"), low), high))
