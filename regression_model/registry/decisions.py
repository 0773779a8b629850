"""Who made which version champion, when and why: kept as runs and at the versions, then acted on.

The alias is moved last, by one request: a failure before it changes no champion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from regression_model.errors import RegistryFailed
from regression_model.registry.client import Registry
from regression_model.registry.examination import Examination
from regression_model.registry.versions import (
    CHALLENGER,
    CHAMPION,
    EXAMINED_IN,
    PROMOTED_AT,
    PROMOTED_BY,
    PROMOTED_WHY,
    REPLACED,
    ROLLED_BACK_AT,
    ROLLED_BACK_BY,
    ROLLED_BACK_WHY,
    Version,
)
from regression_model.tracking.runs import Run, defined
from regression_model.tracking.send import Recorded, send

DECISION = "decision"  # the tag that such a run is known by


@dataclass(frozen=True)
class Reason:
    """Who asks for it and why, with the time."""

    by: str
    why: str
    at: str

    @classmethod
    def now(cls, *, by: str, why: str) -> Reason:
        return cls(by, why, datetime.now(UTC).isoformat(timespec="seconds"))


def record_examination(
    registry: Registry,
    candidate: Version,
    champion: Version | None,
    found: Examination,
    reason: Reason,
    *,
    report: Path | None,
) -> Recorded:
    """Keep the verdict on ``candidate``, with the page of the differential test, as a run."""
    verdict = "passed" if found.passed else "refused"
    listed = "".join(f"\n- {one}" for one in found.reasons)
    tags = {
        "kind": "promotion",
        "verdict": verdict,
        "candidate": candidate.uri,
        "champion": champion.uri if champion else "",
        "by": reason.by,
        "why": reason.why,
        "at": reason.at,
    }
    return _record(
        registry,
        Run(
            name=f"v{candidate.number} {verdict}",
            params={"candidate": candidate.number, "champion": champion.number if champion else ""},
            metrics=defined({check.name: check.value for check in found.gate}, "gate/")
            | defined({check.name: check.value for check in found.changes}, "change/"),
            tags=tags,
            description=f"{reason.why}\n\n{verdict.capitalize()}.{listed}",
            files=[] if report is None else [(report, "")],
        ),
    )


def promote(
    registry: Registry, candidate: Version, champion: Version | None, reason: Reason, run_id: str
) -> None:
    """Make ``candidate``, which passed, the champion in the place of ``champion``.

    Raises :class:`RegistryFailed` where another has become champion since it was examined.
    """
    _check_champion(registry, champion)
    registry.tag(
        candidate,
        {
            PROMOTED_AT: reason.at,
            PROMOTED_BY: reason.by,
            PROMOTED_WHY: reason.why,
            EXAMINED_IN: run_id,
            REPLACED: champion.number if champion else "",
        },
    )
    registry.untag(candidate, (ROLLED_BACK_AT, ROLLED_BACK_BY, ROLLED_BACK_WHY))
    registry.point(CHAMPION, candidate)
    if CHALLENGER in candidate.aliases:
        registry.release(CHALLENGER)
    registry.mark_stages()


def predecessor(registry: Registry, champion: Version) -> Version:
    """The champion before ``champion``; :class:`RegistryFailed` where there was none."""
    number = champion.tags.get(REPLACED)
    if not number:
        raise RegistryFailed(
            f"{champion.uri} replaced no other version: there is nothing to roll back to. Choose "
            "one with: regression-model registry promote"
        )
    return registry.find_number(number)


def roll_back(registry: Registry, champion: Version, to: Version, reason: Reason) -> Recorded:
    """Make ``to``, which ``champion`` replaced, the champion again.

    Raises :class:`RegistryFailed` where ``champion`` is it no more.
    """
    _check_champion(registry, champion)
    told = {"by": reason.by, "why": reason.why, "at": reason.at}
    recorded = _record(
        registry,
        Run(
            name=f"rollback v{champion.number} to v{to.number}",
            params={"from": champion.number, "to": to.number},
            tags={"kind": "rollback", "champion": champion.uri, "candidate": to.uri, **told},
            description=reason.why,
        ),
    )
    registry.tag(
        champion,
        {ROLLED_BACK_AT: reason.at, ROLLED_BACK_BY: reason.by, ROLLED_BACK_WHY: reason.why},
    )
    registry.point(CHAMPION, to)
    registry.mark_stages()
    return recorded


def _record(registry: Registry, run: Run) -> Recorded:
    source = {"mlflow.source.name": "regression-model registry", "mlflow.source.type": "LOCAL"}
    tags = {DECISION: uuid4().hex, "mlflow.user": run.tags["by"], **source, **run.tags}
    return send(replace(run, tags=tags), registry.store, identity=DECISION)


def _check_champion(registry: Registry, champion: Version | None) -> None:
    now = registry.holder(CHAMPION)
    if (now and now.number) != (champion and champion.number):
        raise RegistryFailed(
            f"the champion is {now.uri if now else 'gone'} by now, by somebody else's decision; "
            "nothing was moved, look at it with: regression-model registry list"
        )
