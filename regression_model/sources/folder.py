"""The datasets folder, where fetched sales are kept."""

from __future__ import annotations

import os
from pathlib import Path

DATASETS_VARIABLE = "REGRESSION_MODEL_DATASETS"


def datasets_folder() -> Path:
    """Where real data is kept: ``REGRESSION_MODEL_DATASETS``, else ``datasets``."""
    return Path(os.environ.get(DATASETS_VARIABLE) or "datasets")


def fetched_data() -> Path | None:
    """The real training data, where it was fetched into the datasets folder."""
    path = datasets_folder() / "train.csv"
    return path if path.is_file() else None
