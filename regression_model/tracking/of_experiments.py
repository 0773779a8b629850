"""A comparison of candidates as runs: one for each, under one that holds the leaderboard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regression_model.errors import TrackingFailed
from regression_model.evaluation.metrics import HEADLINES
from regression_model.tracking.runs import Data, Run, defined, flattened

DIGEST = "experiments_sha256"


def run_of_experiments(path: Path, *, name: str | None = None) -> Run:
    """Return the runs of the file that `regression-model experiments` wrote."""
    content = path.read_bytes()
    try:
        found = json.loads(content)
        data, candidates = found["data"], found["candidates"]
    except (ValueError, KeyError, TypeError):
        raise TrackingFailed(
            f"{path} holds no results of 'regression-model experiments' or of "
            "'regression-model evaluate --json', and is no artifact"
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    return Run(
        name=name or f"experiments on {data['name']} {digest[:8]}",
        params={"candidates": ", ".join(one["name"] for one in candidates)},
        metrics=defined(candidates[0]["metrics"]),
        tags={
            "kind": "experiments",
            "best": candidates[0]["name"],
            DIGEST: digest,
            "mlflow.source.name": "regression-model experiments",
            "mlflow.source.type": "LOCAL",
            **_data_tags(data),
        },
        description=_leaderboard(candidates),
        data=Data(data["name"], data["source"], data["sha256"], data["rows"]),
        files=[(path, "")],
        children=[_candidate(one, data) for one in candidates],
    )


def _candidate(found: Mapping[str, Any], data: Mapping[str, Any]) -> Run:
    members = {one["name"]: one for one in found["members"]}
    return Run(
        name=found["name"],
        params={
            "candidate": found["name"],
            "estimators": ", ".join(one["estimator"] for one in found["members"]) or found["name"],
            **flattened({"members": members}),
        },
        metrics={
            **defined(found["metrics"]),
            **defined(found["ratios"], "ratio/"),
            "seconds_a_fit": found["seconds"],
        },
        series={
            f"fold/{name}": [fold[name] for fold in found["folds"]] for name in found["metrics"]
        },
        tags={"kind": "candidate", "candidate": found["name"], **_data_tags(data)},
        data=Data(data["name"], data["source"], data["sha256"], data["rows"]),
    )


def _data_tags(data: Mapping[str, Any]) -> dict[str, str]:
    return {"data_source": data["source"], "data_sha256": data["sha256"]}


def _leaderboard(candidates: list[Any]) -> str:
    titles = " | ".join(metric.title for metric in HEADLINES.values())
    lines = [f"| | {titles} |", "|---|" + "---:|" * len(HEADLINES)]
    for one in candidates:
        values = [m.form.format(one["metrics"][name]) for name, m in HEADLINES.items()]
        lines.append(f"| {one['name']} | {' | '.join(values)} |")
    return "\n".join(lines)
