"""A saved model as a run: everything is read from its artifact, nothing from the training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from regression_model.artifact import CARD, Artifact
from regression_model.config.spec import Spec
from regression_model.evaluation.metrics import score
from regression_model.explaining.past_sales import PastSales, read_past_sales
from regression_model.tracking.runs import Data, Run, defined, flattened
from regression_model.training.fit import LASSO, MEAN, MODEL, folds_of

DIGEST = "artifact_digest"
_BASELINES = {LASSO: "lasso/", MEAN: "mean/"}


def run_of_artifact(artifact: Artifact, *, name: str | None = None) -> Run:
    """Return the run of the training that made ``artifact``, with a nested run for each fold."""
    manifest = artifact.manifest
    spec = Spec.model_validate(manifest["spec"])
    sales = read_past_sales(artifact, spec)
    folds = list(_folds(spec, sales))
    short = manifest["digest"][:8]
    ended = datetime.fromisoformat(manifest["trained_at"]).timestamp()
    return Run(
        name=name or f"model {manifest['version']} {short}",
        params=params_of(spec),
        metrics=_metrics(manifest),
        series={**_by_step("fold", folds), **_by_step("repeat", manifest["metrics"]["repeats"])},
        tags=tags_of(artifact),
        description=artifact.read(CARD).decode(),
        data=_data(spec, manifest["data"]),
        files=[(artifact.folder, f"artifact/{artifact.folder.name}")],
        children=[
            Run(
                f"fold {number} of {len(folds)}, {short}",
                metrics=metrics,
                tags={"kind": "fold"},
                started=ended,
                ended=ended,
            )
            for number, metrics in enumerate(folds, 1)
        ],
        started=ended,
        ended=ended,
    )


def params_of(spec: Spec) -> dict[str, str]:
    """Return the config without defaults: members one by one, a feature in one line."""
    said = spec.model_dump(mode="json", exclude_defaults=True)
    for section in ("members", "features", "derived"):
        said[section] = {one.pop("name"): one for one in said.get(section, [])}
    for section in ("features", "derived"):
        said[section] = {name: _line(values) for name, values in said[section].items()}
    search = {
        f"{one.pop('member')}.{one.pop('name')}": _line(one) for one in said.pop("search", ())
    }
    return flattened({**said, "search": search})


def _line(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in flattened(values).items())


def _folds(spec: Spec, sales: PastSales) -> Iterator[dict[str, float]]:
    """Yield the out-of-fold metrics of each fold of the first repeat."""
    for _, fold in folds_of(spec, len(sales.prices), 0):
        yield defined(score(sales.prices[fold], sales.out_of_fold[fold]))


def _by_step(prefix: str, scores: list[dict[str, float]]) -> dict[str, list[float]]:
    if len(scores) < 2:
        return {}
    return {f"{prefix}/{name}": [one[name] for one in scores] for name in scores[0]}


def _metrics(manifest: Mapping[str, Any]) -> dict[str, float]:
    """Return the model's figures; those of other groups have a prefix."""
    metrics, interval = manifest["metrics"], manifest["interval"]
    validated = metrics["cross_validated"]
    found = defined(validated[MODEL]) | defined(metrics["held_out"][MODEL], "holdout/")
    found |= defined({f"{k}_rmsle": v for k, v in metrics["members"].items()}, "member/")
    found |= study_metrics(manifest["study"])
    found |= defined({"holdout_coverage": interval["held_out_coverage"]}, "range/")
    parity = manifest["parity"]
    apart = max(parity["largest_on_training"], parity["largest_on_edges"])
    for candidate, prefix in _BASELINES.items():
        found |= defined(validated[candidate], prefix)
    return found | defined({"parity_dollars": apart, "gate_passed": manifest["gate"]["passed"]})


def study_metrics(study: Mapping[str, Any]) -> dict[str, float]:
    """Return the ratio study and the ranges of a study, under their groups."""
    trimmed = study["ratios"]["overall"]["trimmed"] or {}
    found = defined({name: one["value"] for name, one in trimmed.items()}, "ratio/")
    found |= defined({"worst_decile_median": _worst(study["decile_medians"])}, "ratio/")
    overall = study["coverage"]["overall"]
    ranges = {**overall["ranges"], "score_ratio": overall["score_ratio"]}
    ranges["worst_decile_coverage"] = min(
        (one["ranges"]["coverage"] for one in study["coverage"]["deciles"]), default=None
    )
    return found | defined(ranges, "range/")


def _worst(medians: list[float]) -> float:
    return max(medians, key=lambda median: abs(median - 1))


def tags_of(artifact: Artifact) -> dict[str, str]:
    """Return the tags of a run: model, training data and libraries."""
    manifest = artifact.manifest
    tags = {
        "kind": "training",
        "model_version": manifest["version"],
        "data_source": manifest["data"]["source"],
        "data_sha256": manifest["data"]["sha256"],
        "config_sha256": manifest["config_sha256"],
        "artifact": artifact.folder.name,
        DIGEST: manifest["digest"],
        "gate": "passed" if manifest["gate"]["passed"] else "failed, saved by force",
        "trained_at": manifest["trained_at"],
        "platform": manifest["computed_with"]["platform"],
        **{f"library.{name}": number for name, number in manifest["libraries"].items()},
        "mlflow.source.name": "regression-model train",
        "mlflow.source.type": "LOCAL",
    }
    if manifest["git_revision"]:
        tags["mlflow.source.git.commit"] = manifest["git_revision"]
    return tags


def _data(spec: Spec, data: Mapping[str, Any]) -> Data:
    columns = [
        (f.name, "string" if f.type == "text" else "double")
        for f in spec.features
        if f.role != "identifier"
    ]
    return Data(data["name"], data["source"], data["sha256"], data["rows"], columns)
