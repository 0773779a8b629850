"""A trained model as an artifact on disk, and the pipeline back from it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from regression_model.artifact import (
    CARD,
    COMPARABLES,
    CONFIG,
    DIFFICULTY,
    GOLDEN,
    GRAPH,
    PIPELINE,
    Artifact,
    package_root,
)
from regression_model.artifact_folders import remove_superseded, save_artifact
from regression_model.config.spec import Spec
from regression_model.errors import ArtifactIncompatible
from regression_model.reading.encoder import Encoder
from regression_model.reading.issues import NOTHING
from regression_model.reading.validation import HouseValidator
from regression_model.sales.table import Sales
from regression_model.scorer import Scorer
from regression_model.training.card import model_card
from regression_model.training.difficulty import DifficultyRegressor
from regression_model.training.fit import Trained
from regression_model.training.past_sales import past_sales, written
from regression_model.training.twin.edge_houses import random_houses
from regression_model.version import VERSION

GUARDED = ("scikit-learn", "numpy", "pandas", "joblib")
# What the figures come from besides: another version may change the last digits.
COMPUTED_WITH = ("scipy", "onnx", "onnxruntime")
GOLDEN_HOUSES = 20


@dataclass(frozen=True)
class Origin:
    """When a model was trained (ISO 8601, UTC), and from which revision of the code.

    The revision is None where the package does not run from a checkout.
    """

    trained_at: str
    git_revision: str | None


def current_origin() -> Origin:
    """Return time and git revision of a model that is trained now, or at ``SOURCE_DATE_EPOCH``."""
    return Origin(_now(), git_revision())


def save_trained(
    root: Path,
    spec: Spec,
    sales: Sales,
    trained: Trained,
    *,
    config: str,
    origin: Origin | None = None,
) -> Path:
    """Write an artifact, and make it the current artifact of a folder.

    In the package's own folder the artifact replaces older ones: one package version, one model.

    Parameters
    ----------
    root : pathlib.Path
        Folder for artifacts; made where it does not exist.
    spec : Spec
        Description of columns and model.
    sales : Sales
        The sales that trained the model.
    trained : Trained
        What :func:`regression_model.training.fit.train` returned.
    config : str
        Text of the config file that ``spec`` was read from.
    origin : Origin, optional
        Recorded time and revision. Default: :func:`current_origin`.

    Returns
    -------
    pathlib.Path
        Folder of the artifact.

    Raises
    ------
    OSError
        If the folder cannot be written; the current artifact stays the same then.
    """
    manifest = _manifest(spec, sales, trained, config, origin or current_origin())
    files = {
        CONFIG: config.encode(),
        PIPELINE: _dumped(trained.pipeline),
        **({} if trained.difficulty is None else {DIFFICULTY: _dumped(trained.difficulty)}),
        GRAPH: trained.graph,
        GOLDEN: _golden(spec, trained),
        CARD: model_card(spec, {**manifest, "version": VERSION}).encode(),
        COMPARABLES: written(past_sales(spec, sales, trained)),
    }
    folder = save_artifact(root, version=VERSION, manifest=manifest, files=files)
    if root.resolve() == package_root().resolve():
        remove_superseded(root, copies=False)
    return folder


def load_pipeline(artifact: Artifact) -> Pipeline:
    """Load the fitted scikit-learn pipeline of an artifact.

    A joblib file is a pickle, and loading it runs what it contains: load only artifacts you trust.

    Parameters
    ----------
    artifact : Artifact
        An opened artifact.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes houses (DataFrame or list of dict) and predicts dollars.

    Raises
    ------
    ArtifactIncompatible
        If this package, Python or a library has another minor version than the one that wrote the
        file; nothing is unpickled then.
    ArtifactCorrupt
        If the file is missing or differs from its hash.
    """
    pipeline: Pipeline = _load(artifact, PIPELINE)
    return pipeline


def load_difficulty(artifact: Artifact) -> DifficultyRegressor | None:
    """Load the difficulty estimator of an artifact.

    Parameters
    ----------
    artifact : Artifact
        An opened artifact that you trust, see :func:`load_pipeline`.

    Returns
    -------
    DifficultyRegressor or None
        The estimator; None if all ranges have one relative width.

    Raises
    ------
    ArtifactIncompatible, ArtifactCorrupt
        See :func:`load_pipeline`.
    """
    if DIFFICULTY not in artifact.manifest["files"]:
        return None
    difficulty: DifficultyRegressor = _load(artifact, DIFFICULTY)
    return difficulty


def _load(artifact: Artifact, name: str) -> Any:
    made_by = artifact.manifest["version"]
    if _minor(made_by) != _minor(VERSION):  # its classes may have moved
        raise ArtifactIncompatible(
            f"{name} was written by version {made_by} of this package, this is version {VERSION}; "
            f"make it again with `regression-model reproduce {artifact.folder} --output DIR` "
            "(the compiled graph still loads)"
        )
    written = artifact.manifest["libraries"]
    current = _libraries()
    for library, theirs in written.items():
        ours = current.get(library, "not installed")
        if _minor(theirs) != _minor(ours):
            raise ArtifactIncompatible(
                f"{name} was written with {library} {theirs}, this is {library} {ours}; install "
                f"{library} {_minor(theirs)}.*, or train anew (the compiled graph still loads)"
            )
    return joblib.load(io.BytesIO(artifact.read(name)))


def _manifest(
    spec: Spec, sales: Sales, trained: Trained, config: str, origin: Origin
) -> dict[str, Any]:
    judgement = trained.judgement
    return {
        "name": "regression_model",
        **asdict(origin),
        "spec": spec.model_dump(mode="json"),
        "steps": _steps(trained.pipeline),
        "libraries": _libraries(),
        "computed_with": {
            **{name: version(name) for name in COMPUTED_WITH},
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "config_sha256": hashlib.sha256(config.encode()).hexdigest(),
        "data": sales.as_dict(),
        "metrics": {
            "cross_validated": judgement.cross_validated,
            "held_out": judgement.held_out,
            "repeats": judgement.repeats,
            "members": judgement.members,
        },
        "interval": {
            "coverage": spec.coverage,
            "half_width_log": judgement.calibration.half_width,
            "fsd_log": judgement.calibration.fsd,
            "held_out_coverage": judgement.held_out_coverage,
        },
        "parity": trained.parity.as_dict(),
        "gate": {
            "passed": all(check.passed for check in trained.checks),
            "checks": [check.as_dict() for check in trained.checks],
        },
        "study": judgement.study.as_dict(),
        "profile": dict(sales.profile),
    }


def _golden(spec: Spec, trained: Trained) -> bytes:
    houses = random_houses(spec, GOLDEN_HOUSES, seed=spec.seed)
    checked, _ = HouseValidator(spec).check(houses)
    matrix, _ = Encoder(spec).encode(
        [house for house in checked if house is not None], limits=NOTHING
    )
    prices = iter(Scorer(trained.graph).score(matrix).price.tolist())
    rows = [
        {"house": house, "prediction": None if valid is None else round(next(prices), 2)}
        for house, valid in zip(houses, checked, strict=True)
    ]
    return (json.dumps(rows, indent=1) + "\n").encode()


def _dumped(estimator: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(estimator, stream, compress=3)
    return stream.getvalue()


def _steps(pipeline: Pipeline) -> dict[str, str]:
    """Return the class of every step of the pipeline and of its members, by place."""
    parts = pipeline.get_params().items()
    return {name: type(part).__name__ for name, part in parts if isinstance(part, BaseEstimator)}


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in GUARDED}}


def _minor(full: str) -> str:
    return ".".join(full.split(".")[:2])


def _now() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return moment.isoformat(timespec="seconds")


def git_revision() -> str | None:
    """Return the git revision of the checkout this package runs from; None if it is installed."""
    here = Path(__file__).parent
    if _git(here, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return _git(here, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
