"""The gate: no model past a limit of the config is saved."""

from __future__ import annotations

from collections.abc import Mapping

from regression_model.errors import GateFailed
from regression_model.evaluation.metrics import METRICS


def check_gate(scores: Mapping[str, float], limits: Mapping[str, float], *, source: str) -> None:
    """Raise :class:`GateFailed`, naming each metric that is past its limit (limits included)."""
    failures = []
    for name, limit in limits.items():
        metric = METRICS[name]
        value = scores[name]
        passed = value <= limit if metric.lower_is_better else value >= limit
        if not passed:  # also when the value is NaN
            side = "at most" if metric.lower_is_better else "at least"
            failures.append(
                f"  {metric.title} is {metric.form.format(value)}, must be {side} "
                f"{metric.form.format(limit)}"
            )
    if failures:
        listed = "\n".join(failures)
        raise GateFailed(
            f"the model fails the gate for data '{source}' and was not saved:\n{listed}\n"
            "Improve the model, or change gates in the config."
        )
