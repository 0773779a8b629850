"""What an artifact's manifest says, and how it is verified.

Hashes tell that a manifest is the one that was written, and not that it was written well: its
structure is checked too, so that later code finds every part that is named here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from regression_model.errors import ArtifactCorrupt, ArtifactIncompatible

FORMAT = 2  # 1: every range of one relative width
MANIFEST = "manifest.json"
ORIGIN = "ORIGIN"  # in a copy: where the copy came from; no part of the manifest
CURRENT = "CURRENT"  # beside artifacts: the name of the current one

# Names of files in an artifact. They become paths, so each is one plain component.
_RESERVED = {name.lower() for name in (MANIFEST, ORIGIN, CURRENT)}
_PLAIN = r"^[A-Za-z0-9]([A-Za-z0-9_+.-]{0,98}[A-Za-z0-9])?$"
_NAMES = TypeAdapter(Annotated[str, Field(pattern=_PLAIN)])

_ROOMY = ConfigDict(extra="allow", allow_inf_nan=False)
_Name = Annotated[str, Field(pattern=_PLAIN)]
_SHA256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[
    str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
]  # shown on screens


def is_plain_name(name: str) -> bool:
    """Return whether ``name`` is one component of a path: no folder, no ``..``, no hidden file."""
    try:
        _NAMES.validate_python(name)
    except ValidationError:
        return False
    return True


def _tell_apart(files: dict[str, str]) -> dict[str, str]:
    lowered = [name.lower() for name in files]
    if len(set(lowered) - _RESERVED) < len(lowered):
        raise ValueError("two names differ in case only, or one is reserved")
    return files


@with_config(_ROOMY)
class _Data(TypedDict):
    source: _Text
    name: _Text
    rows: Annotated[int, Field(ge=1, le=10**9)]
    sha256: _SHA256


@with_config(_ROOMY)
class _Interval(TypedDict):
    coverage: Annotated[float, Field(gt=0, lt=1)]
    half_width_log: Annotated[float, Field(ge=0, le=5)]
    fsd_log: Annotated[float, Field(ge=0, le=5)]


@with_config(_ROOMY)
class _Scores(TypedDict):
    """Metrics by name, of the model and of others that it is compared with."""

    model: dict[str, float | None]


@with_config(_ROOMY)
class _Metrics(TypedDict):
    cross_validated: _Scores
    held_out: _Scores
    repeats: list[dict[str, float | None]]


@with_config(_ROOMY)
class _Check(TypedDict):
    name: str
    value: float | None
    lowest: float | None
    highest: float | None


@with_config(_ROOMY)
class _Gate(TypedDict):
    passed: bool
    checks: list[_Check]


@with_config(_ROOMY)
class _Profile(TypedDict):
    levels: dict[str, list[str | int | float]]
    ranges: dict[str, list[float | None]]


@with_config(_ROOMY)
class _Manifest(TypedDict):
    """The parts that this package reads; more may stand beside them."""

    version: _Name
    digest: _SHA256
    files: Annotated[dict[_Name, _SHA256], Field(max_length=100), AfterValidator(_tell_apart)]
    trained_at: _Text
    git_revision: _Text | None
    spec: dict[str, Any]
    libraries: dict[str, str]
    config_sha256: _SHA256
    data: _Data
    interval: _Interval
    metrics: _Metrics
    gate: _Gate
    study: dict[str, Any]
    profile: _Profile


_MANIFESTS = TypeAdapter(_Manifest)


def parse_manifest(content: bytes, name: str) -> dict[str, Any]:
    """Return the manifest of the artifact ``name`` after its format, digest and structure hold.

    Raises
    ------
    ArtifactCorrupt
        Where the content is no manifest, differs from its own digest, or lacks a part.
    ArtifactIncompatible
        Where the format is not the one that this package reads.
    """
    try:
        manifest = json.loads(content)
        known = manifest["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactCorrupt(
            f"{MANIFEST} of {name} is damaged; install or train it anew"
        ) from None
    if known != FORMAT:
        raise ArtifactIncompatible(
            f"artifact {name} has format {known!r}, this package reads format {FORMAT}; "
            "install the package version that wrote it, or train anew"
        )
    if not _matches_digest(manifest, content):
        raise ArtifactCorrupt(
            f"{MANIFEST} of {name} does not match its own digest; install or train it anew"
        )
    _check_structure(manifest, name)
    return dict(manifest)


def render_manifest(manifest: Mapping[str, Any]) -> str:
    """Return the text of a manifest, with the digest of all its other parts."""
    parts = {name: value for name, value in manifest.items() if name != "digest"}
    canonical = json.dumps(parts, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    complete = {**parts, "digest": digest}
    return json.dumps(complete, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _matches_digest(manifest: Mapping[str, Any], content: bytes) -> bool:
    try:
        return render_manifest(manifest).encode() == content
    except (ValueError, RecursionError):  # NaN, lone surrogates, very deep lists
        return False


def artifact_name(manifest: Mapping[str, Any]) -> str:
    """Return the name of an artifact's folder: its version and the beginning of its digest."""
    return f"regression_model-{artifact_label(manifest)}"


def artifact_label(manifest: Mapping[str, Any]) -> str:
    """Return the version of an artifact and the beginning of its digest."""
    return f"{manifest['version']}-{manifest['digest'][:8]}"


def _check_structure(manifest: Mapping[str, Any], name: str) -> None:
    try:
        _MANIFESTS.validate_python(manifest, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:200]
        raise ArtifactCorrupt(
            f"{MANIFEST} of {name} does not describe a model: {place}: {first['msg']}. "
            "Its hashes are right, so another program wrote it; "
            "install or train another"
        ) from None
