"""What an import costs a fresh interpreter."""

from __future__ import annotations

import subprocess
from pathlib import Path

STATEMENTS = {
    "import regression_model": "import regression_model",
    "everything that predicting needs": "from regression_model import make_prediction",
    "import pandas, sklearn.pipeline": "import pandas, sklearn.pipeline",
}
CODE = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def measure(pythons: dict[str, Path], rounds: int) -> dict[str, list[float]]:
    """Seconds of each of ``STATEMENTS`` by the Python that is given for it, round by round."""
    samples: dict[str, list[float]] = {statement: [] for statement in pythons}
    for number in range(rounds + 1):  # the first reads files that are not in memory yet
        for name, python in pythons.items():
            command = [str(python), "-I", "-c", CODE.format(STATEMENTS[name])]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if number:
                samples[name].append(float(done.stdout))
    return samples
