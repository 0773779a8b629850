"""Stands in for ``regression-model registry pull URI --output DIR --json``, without MLflow.

The registry is the folder of MLFLOW_TRACKING_URI: ``champion`` has a version and the folder of its
artifact, ``down`` what fails, ``hang`` has it hang; ``asked`` gets a line each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from regression_model.artifact import open_artifact, origin_of
from regression_model.artifact_folders import copy_artifact
from regression_model.errors import ModelNotFound

_, uri, option, folder, form = sys.argv
assert (option, form) == ("--output", "--json")
registry, output = Path(os.environ["MLFLOW_TRACKING_URI"]), Path(folder)
with (registry / "asked").open("a") as asked:
    asked.write(f"{os.getpid()}\n")
if (registry / "hang").exists():
    child = subprocess.Popen(["sleep", "600"])
    (registry / "hanging").write_text(f"{os.getpid()} {child.pid}")
    child.wait()
if (registry / "down").exists():
    sys.exit(f"a warning\nError: {(registry / 'down').read_text()}")
version, source = (registry / "champion").read_text().split()
origin, artifact = f"models:/regression-model/{version}", open_artifact(source)
try:
    there = open_artifact(output)
    changed = (origin_of(there), there.folder.name) != (origin, artifact.folder.name)
except ModelNotFound:
    changed = True
if changed:
    copy_artifact(artifact, output, origin=origin)
told = {"uri": uri, "origin": origin, "artifact": artifact.folder.name, "changed": changed}
print(json.dumps(told))  # noqa: T201
