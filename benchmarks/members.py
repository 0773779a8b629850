"""What another member, weight or limit would gain: the experiments on the blend, repeated.

    python -m benchmarks.members --data train.csv --repeats 3 [--only SVR CatBoost]

On the folds of training each member of the config, and each candidate, learns and predicts. The
candidates take the place of a member, or half of it; blends of the members there are get other
weights and limits. Printed are the RMSLE of the candidate alone and of the blend, and its
difference to the present one with the standard error over repeats (below zero is better); beside
them the same without the two worst sales, which are left out of the scoring only. Boosters of other
libraries need them installed (pip install catboost lightgbm xgboost), else they are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.svm import SVR

from regression_model.config.reader import load_spec
from regression_model.config.spec import Spec
from regression_model.sales.table import Sales, load_sales
from regression_model.training.estimators.blend import LimitedVotingRegressor
from regression_model.training.fit import folds_of
from regression_model.training.pipeline import build_pipeline
from tools.measuring.markdown import table

Logs = NDArray[np.float64]
SEED = 0


class Candidate(NamedTuple):
    """An estimator on the columns of a member, which it replaces by ``share``."""

    member: str
    share: float
    make: Callable[[], Any]


def foreign(library: str, name: str, **given: Any) -> Callable[[], Any]:
    return lambda: getattr(import_module(library), name)(**given)


CANDIDATES = {
    "Ridge": Candidate("linear", 1, lambda: Ridge(alpha=30)),
    "BayesianRidge": Candidate("linear", 1, BayesianRidge),
    "KernelRidge": Candidate("kernel", 1, lambda: KernelRidge(alpha=0.3, kernel="rbf", gamma=4e-4)),
    "SVR": Candidate("kernel", 1, lambda: SVR(C=3, epsilon=0.02, gamma=4.7e-4)),
    "ExtraTrees": Candidate(
        "trees", 0.5, lambda: ExtraTreesRegressor(300, max_features=0.4, random_state=SEED)
    ),
    "CatBoost": Candidate(
        "trees", 0.5, foreign("catboost", "CatBoostRegressor", iterations=800, learning_rate=0.05,
                              depth=5, rsm=0.15, bootstrap_type="Bernoulli", subsample=0.7,
                              thread_count=1, verbose=False, random_seed=SEED)
    ),
    "LightGBM": Candidate(
        "trees", 0.5, foreign("lightgbm", "LGBMRegressor", n_estimators=1000, learning_rate=0.03,
                              num_leaves=12, colsample_bytree=0.2, subsample=0.7, subsample_freq=1,
                              n_jobs=1, verbose=-1, random_state=SEED)
    ),
    "XGBoost": Candidate(
        "trees", 0.5, foreign("xgboost", "XGBRegressor", n_estimators=1000, learning_rate=0.03,
                              max_depth=4, colsample_bytree=0.2, subsample=0.7, n_jobs=1,
                              random_state=SEED)
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CANDIDATES, default=list(CANDIDATES))
    arguments = parser.parse_args()
    spec = load_spec(arguments.config)
    sales = load_sales(arguments.data, spec)
    chosen = {name: CANDIDATES[name] for name in arguments.only if _installed(name)}
    members, alone = _predictions(spec, sales, arguments.repeats, chosen)
    _print_table(spec, np.log(sales.prices), members, alone, chosen)


def _installed(name: str) -> bool:
    try:
        CANDIDATES[name].make()
    except ModuleNotFoundError as error:
        print(f"{name} is left out: {error.name} is not installed")
        return False
    return True


def _predictions(
    spec: Spec, sales: Sales, repeats: int, chosen: dict[str, Candidate]
) -> tuple[Logs, dict[str, Logs]]:
    """Out-of-fold log prices: ``(repeats, sales, members)``; by candidate ``(repeats, sales)``."""
    logs = np.log(sales.prices)
    members = np.empty((repeats, len(logs), len(spec.members)))
    alone = {name: np.empty((repeats, len(logs))) for name in chosen}
    tasks = [
        (repeat, *split) for repeat in range(repeats) for split in folds_of(spec, len(logs), repeat)
    ]
    places = {member.name: k for k, member in enumerate(spec.members)}
    for repeat, rest, fold in track(tasks, description="folds"):
        model = build_pipeline(spec).fit(sales.frame.iloc[rest], sales.prices[rest])
        known, unseen = (model[:-1].transform(sales.frame.iloc[rows]) for rows in (rest, fold))
        fitted = model[-1].regressor_.estimators_
        members[repeat, fold] = model[-1].regressor_.member_predictions(unseen)
        for name, candidate in chosen.items():
            prepare = clone(fitted[places[candidate.member]][:-1])
            learned = np.asarray(prepare.fit_transform(known, logs[rest]))
            centre = logs[rest].mean()
            estimator = candidate.make().fit(learned, logs[rest] - centre)
            asked = np.asarray(prepare.transform(unseen))
            alone[name][repeat, fold] = estimator.predict(asked) + centre
    return members, alone


def _variants(spec: Spec) -> Iterator[tuple[str, list[float], list[float | None]]]:
    """Other weights and limits for the members there are."""
    weights = [m.weight for m in spec.members]
    limits = [m.limit for m in spec.members]
    for factor in (0.5, 0.75, 1.5):
        changed = [None if limit is None else round(limit * factor, 3) for limit in limits]
        yield f"limits {changed}", weights, changed
    for k, member in enumerate(spec.members):
        doubled = [2 * w if j == k else w for j, w in enumerate(weights)]
        yield f"twice the weight of {member.name}", doubled, limits


def _blend(members: Logs, weights: list[float], limits: list[float | None]) -> Logs:
    blend = LimitedVotingRegressor([("", None)] * len(weights), weights=weights, limits=limits)
    return np.stack([blend.combine(repeat) for repeat in members])


def _print_table(
    spec: Spec, logs: Logs, members: Logs, alone: dict[str, Logs], chosen: dict[str, Candidate]
) -> None:
    weights = [m.weight for m in spec.members]
    limits = [m.limit for m in spec.members]
    places = {member.name: k for k, member in enumerate(spec.members)}
    present = _blend(members, weights, limits)
    all_but_two = np.argsort(np.abs(present - logs).mean(axis=0))[:-2]

    def row(name: str, single: Logs | None, blended: Logs) -> list[str]:
        cells = [name]
        for rows in (np.arange(len(logs)), all_but_two):
            was, now = (_rmsle(values, logs, rows) for values in (present, blended))
            by_itself = "" if single is None else f"{_rmsle(single, logs, rows).mean():.4f}"
            error = np.std(now - was, ddof=1) / np.sqrt(len(now)) if len(now) > 1 else np.nan
            cells += [by_itself, f"{now.mean():.4f}", f"{np.mean(now - was):+.4f} ± {error:.4f}"]
        return cells

    shown = [row("present", None, present)]
    for k, member in enumerate(spec.members):
        shown.append(row(member.name, members[:, :, k], present))
    for name, candidate in chosen.items():
        k = places[candidate.member]
        mixed = members.copy()
        mixed[:, :, k] += candidate.share * (alone[name] - mixed[:, :, k])
        title = f"{name} for {'half of ' if candidate.share < 1 else ''}{candidate.member}"
        shown.append(row(title, alone[name], _blend(mixed, weights, limits)))
    for title, other_weights, other_limits in _variants(spec):
        shown.append(row(title, None, _blend(members, other_weights, other_limits)))
    header = ["", "alone", "blend", "difference", "alone, without two", "blend", "difference"]
    print(table(header, shown))


def _rmsle(predicted: Logs, logs: Logs, rows: NDArray[np.intp]) -> Logs:
    """By repeat."""
    return np.asarray(np.sqrt(np.mean((predicted[:, rows] - logs[rows]) ** 2, axis=1)))


if __name__ == "__main__":
    main()
