"""What runs in a peer's environment: the fitted pipeline behind the peer's own interface."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def load_pipeline() -> Pipeline:
    """The fitted pipeline of the artifact that is compared."""
    from regression_model.artifact import open_artifact
    from regression_model.training import persistence

    return persistence.load_pipeline(open_artifact())


def pipeline_file() -> Path:
    """The same as a file."""
    from regression_model.artifact import PIPELINE, open_artifact

    return open_artifact().folder / PIPELINE


def houses() -> list[dict[str, Any]]:
    """The houses that are asked for."""
    found: list[dict[str, Any]] = json.loads(Path(os.environ["BENCH_HOUSES"]).read_bytes())
    return found
