"""The model that is measured: the one that is named or installed, else one trained for the run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.variants import train_variant
from regression_model import Model, ModelNotFound, load_model


def chosen(artifact: Path | None, *, work: Path, small: bool, say: Callable[[str], None]) -> Model:
    """The model of ``artifact``, else the installed one, else one of the bundled sample.

    What is trained is left in ``work``; ``small`` trains few trees on few sales.
    Raises :class:`ModelNotFound` where ``artifact`` holds none.
    """
    try:
        return load_model(artifact)
    except ModelNotFound:
        if artifact is not None:
            raise
    say("no model is installed: training one on the bundled sample")
    folder = work / "models"
    if small:
        return train_variant(folder, trees=60)
    command = [sys.executable, "-P", "-m", "regression_model", "train", "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return load_model(folder)
