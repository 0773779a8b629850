"""A saved model as a version of the registered model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regression_model.artifact import Artifact
from regression_model.evaluation.metrics import HEADLINES
from regression_model.registry.client import Registry
from regression_model.registry.versions import CHALLENGER, CHAMPION, DIGEST, Version
from regression_model.tracking.of_artifact import tags_of

# Pages of the registry show all of a version's tags; the rest is at its run.
_KEPT = ("model_version", DIGEST, "gate")


def register(registry: Registry, artifact: Artifact, *, run_id: str) -> Version:
    """Register the model of a recorded run, or find it registered, and make it the challenger.

    What is champion already does not become its own challenger.
    """
    tags = tags_of(artifact)
    scores = artifact.manifest["metrics"]["cross_validated"]["model"]
    version = registry.register(
        run_id,
        description=_description(artifact.manifest, scores),
        tags={name: tags[name] for name in _KEPT} | {"rmsle": f"{scores['rmsle']:.4f}"},
    )
    if CHAMPION not in version.aliases:
        registry.point(CHALLENGER, version)
    registry.mark_stages()
    return registry.find_number(version.number)


def _description(manifest: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    data = manifest["data"]
    accuracy = ", ".join(
        f"{metric.title} {metric.form.format(scores[name])}"
        for name, metric in HEADLINES.items()
        if name in scores
    )
    gate = "Passed its gate." if manifest["gate"]["passed"] else "FAILED its gate, saved by force."
    return (
        f"Version {manifest['version']} of the model, trained on {data['name']} "
        f"({data['rows']:,} sales). Cross-validated: {accuracy}. {gate}"
    )
