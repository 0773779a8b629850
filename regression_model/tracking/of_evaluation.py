"""A model judged on sales that it had not seen, as a run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from regression_model.tracking.of_artifact import study_metrics
from regression_model.tracking.runs import Data, Run, defined

DIGEST = "evaluation_sha256"


def is_evaluation(path: Path) -> bool:
    """Return whether the file holds what `regression-model evaluate --json` printed."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and {"model", "data", "study", "verdict"} <= found.keys()


def run_of_evaluation(path: Path, *, name: str | None = None) -> Run:
    """Return the run of such a file, with the report that it names."""
    content = path.read_bytes()
    found = json.loads(content)
    model, data, study = found["model"], found["data"], found["study"]
    short = model["digest"][:8]
    report = Path(found["report"] or "")
    sales = Data(data["name"], data["source"], data["sha256"], data["rows"], used_for="evaluation")
    return Run(
        name=name or f"evaluation of model {model['model_version']} {short}",
        params={"model_digest": model["digest"], "sales": data["name"]},
        metrics=defined(study["metrics"]) | study_metrics(study),
        tags={
            "kind": "evaluation",
            "model_version": model["model_version"],
            "evaluated_model": model["artifact"],
            "trained_on_these_sales": "yes" if found["trained_on_these_sales"] else "no",
            "data_source": data["source"],
            "data_sha256": data["sha256"],
            DIGEST: hashlib.sha256(content).hexdigest(),
            "mlflow.source.name": "regression-model evaluate",
            "mlflow.source.type": "LOCAL",
        },
        description="\n".join(f"- {finding['text']}" for finding in found["verdict"]),
        data=sales,
        files=[(path, ""), *([(report, "")] if report.is_file() else [])],
    )
