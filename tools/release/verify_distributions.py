"""Prove that what was built can be shipped: ``python -m tools.release.verify_distributions dist``.

The sdist holds every file of the wheel. The wheel, installed without extras into a new environment
far from the checkout, finds its model intact and values houses.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path
from zipfile import ZipFile

from tools.release.project import ROOT

PINS = ROOT / "requirements" / "constraints.txt"
GOLDEN = "golden.json"

PRICE_GOLDEN_HOUSES = """
from regression_model import load_model
from regression_model.golden import golden_houses
model = load_model()
golden = golden_houses(model.artifact)
prices = model.predict([row["house"] for row in golden])["predictions"]
assert any(price is not None for price in prices), prices
print(model.info(), *prices[:3])
"""


def main() -> None:
    """Verify the one wheel and the one sdist of a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the wheel and the sdist are")
    folder = parser.parse_args().folder.resolve()
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    check_contents(wheel, sdist)
    with tempfile.TemporaryDirectory(prefix="regression-model-") as far:
        check_installed(wheel, Path(far))
    for built in (wheel, sdist):
        print(f"{built.name}: {built.stat().st_size / 1e6:.2f} MB")


def check_contents(wheel: Path, sdist: Path) -> None:
    """Both hold the same package, and one model."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    packed = {name for name in names if name.startswith("regression_model/")}
    with tarfile.open(sdist) as archive_of_sources:
        sources = {name.partition("/")[2] for name in archive_of_sources.getnames()}
    missing = sorted(packed - sources)
    models = [name for name in packed if name.endswith(f"/{GOLDEN}")]
    if missing:
        raise SystemExit(f"{sdist.name} lacks {', '.join(missing)}: see MANIFEST.in")
    if len(models) != 1:
        raise SystemExit(f"{wheel.name} holds {len(models)} models, expected 1: {models}")


def check_installed(wheel: Path, far: Path) -> None:
    """The wheel answers from an environment of its own, with nothing but the base install."""
    venv.create(far / "venv", with_pip=True)
    scripts = far / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    run(far, python, "-m", "pip", "install", "--quiet", "--constraint", str(PINS), str(wheel))
    run(far, python, "-m", "pip", "check")
    run(far, str(scripts / "regression-model"), "doctor")
    run(far, python, "-c", PRICE_GOLDEN_HOUSES)


def run(folder: Path, *command: str) -> None:
    """Run a command in ``folder``, without what this environment would lend it."""
    lent = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "REGRESSION_MODEL_ARTIFACT")
    environment = {name: value for name, value in os.environ.items() if name not in lent}
    ended = subprocess.run(command, cwd=folder, env=environment, check=False)
    if ended.returncode:
        sys.exit(f"failed with {ended.returncode}: {' '.join(command[:4])}")


if __name__ == "__main__":
    main()
