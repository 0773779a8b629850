"""A search of `tune` as runs: one for each trial, under one that holds the outcome."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from regression_model.tracking.runs import Run, defined
from regression_model.training.tuning.study import incumbent, saved_study

DIGEST = "study_sha256"


def run_of_study(path: Path, *, name: str | None = None) -> Run:
    """Return the runs of the study in the file ``path``; raises StudyRefused without one."""
    with saved_study(path) as study:
        trials = [one for one in study.get_trials() if one.state.is_finished()]
        present = incumbent(study)
        data = str(study.user_attrs["started with"]["data"])
    known = None if present is None else present.number
    children = [_trial(one, is_present=one.number == known) for one in trials]
    best = min(
        (one for one in trials if one.state == TrialState.COMPLETE),
        key=lambda one: one.value or 0.0,
        default=None,
    )
    content = json.dumps([[dict(child.params), dict(child.metrics)] for child in children])
    digest = hashlib.sha256(f"{data} {content}".encode()).hexdigest()
    return Run(
        name=name or f"tune, {len(trials)} trials {digest[:8]}",
        params={} if best is None else _params(best, is_present=best.number == known),
        metrics={"trials": float(len(trials)), **_figure(best), **_figure(present, "present/")},
        tags={
            "kind": "search",
            "data_sha256": data,
            DIGEST: digest,
            "mlflow.source.name": "regression-model tune",
            "mlflow.source.type": "LOCAL",
        },
        files=[(path, "")],
        children=children,
        started=min((child.started for child in children if child.started), default=None),
        ended=max((child.ended for child in children if child.ended), default=None),
    )


def _trial(trial: FrozenTrial, *, is_present: bool) -> Run:
    started, ended = trial.datetime_start, trial.datetime_complete
    return Run(
        name=f"trial {trial.number}" + (", the present config" if is_present else ""),
        params=_params(trial, is_present=is_present),
        metrics=_figure(trial),
        tags={"kind": "trial", "state": trial.state.name.lower()},
        failed=trial.state == TrialState.FAIL,
        started=None if started is None else started.timestamp(),
        ended=None if ended is None else ended.timestamp(),
    )


def _params(trial: FrozenTrial, *, is_present: bool) -> dict[str, str]:
    """Return what was tried: but for the present config, numbers of three significant digits."""
    return {name: _text(value, exact=is_present) for name, value in trial.params.items()}


def _text(value: Any, *, exact: bool) -> str:
    return f"{value:.3g}" if isinstance(value, float) and not exact else str(value)


def _figure(trial: FrozenTrial | None, prefix: str = "") -> dict[str, float]:
    complete = trial is not None and trial.state == TrialState.COMPLETE
    return defined({"rmsle": trial.value}, prefix) if complete and trial is not None else {}
