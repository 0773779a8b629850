"""Every exception this package raises on purpose.

RegressionModelError
├── ConfigError            the config file does not describe a model
├── DataError              a table of sales is refused; carries every fault
├── FetchFailed            a service did not give the data that it was asked for
├── InvalidInput           the whole input has the wrong shape
│   └── MalformedJSON      the bytes are not strict JSON
├── ModelNotFound          there is no trained artifact where one is expected
├── ArtifactError          an artifact cannot be used
│   ├── ArtifactCorrupt    a file is missing, truncated or differs from its hash
│   └── ArtifactIncompatible  written in another format or by other libraries
├── StudyRefused           a study of `tune` cannot be begun, or gone on with
├── TrackingFailed         MLflow did not take a run; what was to be recorded is unharmed
├── RegistryFailed         a registry of models did not answer, or does not hold what was asked for
├── ReleaseUnavailable     a released version cannot be had
├── CheckFailed            a model was trained but must not be released
│   ├── GateFailed         its metrics are past a limit of the config
│   ├── ParityError        the pipeline and its compiled twin disagree
│   ├── ChangeTooLarge     it changes more than the config allows against the one before
│   └── PromotionRefused   it may not follow the champion of a registry
└── MissingDependency      an extra is not installed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ArtifactCorrupt",
    "ArtifactError",
    "ArtifactIncompatible",
    "ChangeTooLarge",
    "CheckFailed",
    "ConfigError",
    "DataError",
    "FetchFailed",
    "GateFailed",
    "InvalidInput",
    "MalformedJSON",
    "MissingDependency",
    "ModelNotFound",
    "ParityError",
    "PromotionRefused",
    "RegistryFailed",
    "RegressionModelError",
    "ReleaseUnavailable",
    "StudyRefused",
    "TrackingFailed",
]


class RegressionModelError(Exception):
    """Base of every error that names a culprit and a remedy."""


class ConfigError(RegressionModelError):
    """The config file is refused: file, line, what is wrong and what to write instead."""


class DataError(RegressionModelError):
    """Training data is refused; the message lists every fault with row and column."""


class FetchFailed(RegressionModelError):
    """Data could not be fetched; the message says what the service answered and what helps."""


class InvalidInput(RegressionModelError):
    """The input as a whole is not a house, a list of houses or a table of houses."""


class MalformedJSON(InvalidInput):
    """The bytes are not strict JSON (RFC 8259)."""


class ModelNotFound(RegressionModelError):
    """There is no trained artifact; the message holds the command that makes one."""


class ArtifactError(RegressionModelError):
    """An artifact exists and cannot be used."""


class ArtifactCorrupt(ArtifactError):
    """A file of the artifact is missing, truncated or does not match its recorded hash."""


class ArtifactIncompatible(ArtifactError):
    """The artifact was written in an unknown format, or by other library versions."""


class StudyRefused(RegressionModelError):
    """The file is no study, or one that was begun with other data, folds or search space."""


class TrackingFailed(RegressionModelError):
    """MLflow was not reached in time or refused a run; the message says why, in one line."""


class RegistryFailed(RegressionModelError):
    """The registry was not reached, refused, or has no such version; in one line."""


class ReleaseUnavailable(RegressionModelError):
    """A released version cannot be downloaded, or is not there."""


class CheckFailed(RegressionModelError):
    """A model was trained and must not be released."""


class GateFailed(CheckFailed):
    """A figure is past its limit in the config; ``checks`` holds all that were judged."""

    def __init__(self, message: str, *, checks: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.checks = checks


class ParityError(CheckFailed):
    """The fitted pipeline and its compiled twin give different prices."""


class ChangeTooLarge(CheckFailed):
    """A differential test is past a limit; ``checks`` holds those that failed.

    ``fields`` lists in words the fields that changed most.
    """

    def __init__(self, checks: Sequence[Any], *, fields: str = "") -> None:
        listed = "\n".join(
            f"  {c.title}: {c.shown}, {c.demand}" + (f" ({c.where})" if c.where else "")
            for c in checks
        )
        super().__init__(
            f"the new model changes more than its config allows:\n{listed}\n"
            + (f"Contributions changed most of: {fields}.\n" if fields else "")
            + "If that is meant, "
            "raise the limits under `differential` in the config for this release."
        )
        self.checks = checks


class PromotionRefused(CheckFailed):
    """A version did not pass what champions must pass; the message lists every reason."""


class MissingDependency(RegressionModelError):
    """An optional dependency is absent; the message holds the command that installs it.

    The command is that of this environment, with the version that is installed here: pip adds the
    extra to that version, and looks for no package of this name elsewhere.
    """

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        import shlex
        import sys

        from regression_model.version import DISTRIBUTION, VERSION

        python = shlex.quote(sys.executable or "python")

        super().__init__(
            f"{purpose} needs {package}, which is not installed. "
            f'Install it with: {python} -m pip install "{DISTRIBUTION}[{extra}]=={VERSION}"'
        )
