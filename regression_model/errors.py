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
├── StudyRefused           a study of `tune` cannot be started or continued
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
    """Report an error with its cause and a remedy; base of all errors raised on purpose."""


class ConfigError(RegressionModelError):
    """Refuse a config file: the message names file, line, fault and remedy."""


class DataError(RegressionModelError):
    """Refuse training data: the message lists every fault with row and column."""


class FetchFailed(RegressionModelError):
    """Report data that could not be fetched: the message holds the answer and a remedy."""


class InvalidInput(RegressionModelError):
    """Refuse an input that is not a house, a list of houses or a table of houses."""


class MalformedJSON(InvalidInput):
    """Refuse bytes that are not strict JSON (RFC 8259)."""


class ModelNotFound(RegressionModelError):
    """Report a missing artifact: the message holds the command that makes one."""


class ArtifactError(RegressionModelError):
    """Report an artifact that exists and cannot be used."""


class ArtifactCorrupt(ArtifactError):
    """Report a file of the artifact that is missing, truncated or differs from its hash."""


class ArtifactIncompatible(ArtifactError):
    """Report an artifact in an unknown format, or written by other versions of libraries."""


class StudyRefused(RegressionModelError):
    """Refuse a file that is no study, or a study of other data, folds or search space."""


class TrackingFailed(RegressionModelError):
    """Report that MLflow was not reached in time or refused a run: the message says why."""


class RegistryFailed(RegressionModelError):
    """Report that the registry was not reached, refused a request, or lacks a version."""


class ReleaseUnavailable(RegressionModelError):
    """Report a released version that does not exist or cannot be downloaded."""


class CheckFailed(RegressionModelError):
    """Report a trained model that must not be released."""


class GateFailed(CheckFailed):
    """Report a figure that is past its limit in the config.

    Parameters
    ----------
    message : str
        What failed, for people.
    checks : sequence of Check
        All figures that were compared with a limit; also an attribute.
    """

    def __init__(self, message: str, *, checks: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.checks = checks


class ParityError(CheckFailed):
    """Report that the fitted pipeline and its compiled twin give different prices."""


class ChangeTooLarge(CheckFailed):
    """Report a differential test that is past a limit.

    Parameters
    ----------
    checks : sequence of Check
        The checks that failed; also an attribute.
    fields : str, default ""
        The fields whose contributions changed most, as text.
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
    """Report a version that must not become champion: the message lists every reason."""


class MissingDependency(RegressionModelError):
    """Report an optional dependency that is not installed.

    The message holds the command that installs it. The command uses the Python of this process, and
    names the installed version of this package, so that pip only adds the extra.

    Parameters
    ----------
    package : str
        Name of the missing package.
    extra : str
        Extra of this distribution that installs the package.
    purpose : str
        What needs the package, at the beginning of the message.
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
