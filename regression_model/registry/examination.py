"""What a version must pass before it may be champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regression_model.differential.compare import Difference
from regression_model.differential.limits import Check as ChangeCheck
from regression_model.differential.limits import checks_of, leading_fields, limits_in_force
from regression_model.errors import PromotionRefused
from regression_model.model import Model
from regression_model.training.gate import NOT_DEFINED
from regression_model.training.gate import Check as GateCheck


@dataclass(frozen=True)
class Examination:
    """The gate of a candidate, and the differential test against the champion.

    ``difference`` is None where there is no champion to differ from.
    """

    candidate: Model
    gate: Sequence[GateCheck]
    difference: Difference | None
    changes: Sequence[ChangeCheck]

    @property
    def checks(self) -> list[GateCheck | ChangeCheck]:
        """All that was measured, each beside its limit."""
        return [*self.gate, *self.changes]

    @property
    def reasons(self) -> list[str]:
        """Why it is refused; empty where it passed."""
        found = [
            f"the gate: {check.title} {check.shown}, {check.demand}"
            for check in self.gate
            if not check.passed
        ]
        if not (found or self.candidate.artifact.manifest["gate"]["passed"]):
            found = ["the gate: the model was saved by force"]
        for check in self.changes:
            if not check.passed:
                where = f" ({check.where})" if check.where else ""
                found.append(
                    f"the differential test: {check.title} {check.shown}, {check.demand}{where}"
                )
        return found

    @property
    def passed(self) -> bool:
        return not self.reasons

    def refuse_failed(self, *, named: str) -> None:
        """Raise :class:`PromotionRefused` unless it passed."""
        if self.passed:
            return
        listed = "".join(f"\n  {reason}" for reason in self.reasons)
        fields = "" if self.difference is None else leading_fields(self.difference)
        moved = f"\nContributions changed most of: {fields}." if fields else ""
        raise PromotionRefused(
            f"{named} is not promoted, and the champion stays:{listed}{moved}\n"
            "Where such a change of prices is meant, raise the limits under `differential` in the "
            "config of the candidate and train it again; the gate needs a better model."
        )

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "passed": self.passed,
            "reasons": self.reasons,
            "gate": [check.as_dict() for check in self.gate],
            "changes": [check.as_dict() for check in self.changes],
        }


def examined(candidate: Model, difference: Difference | None) -> Examination:
    """Judge ``candidate`` by what its training found, and by how it differs from the champion."""
    recorded = candidate.artifact.manifest["gate"]["checks"]
    gate = [
        GateCheck(
            one["name"],
            NOT_DEFINED if one["value"] is None else one["value"],
            one["lowest"],
            one["highest"],
        )
        for one in recorded
    ]
    return Examination(
        candidate=candidate,
        gate=gate,
        difference=difference,
        changes=[] if difference is None else checks_of(difference, limits_in_force(difference)),
    )
