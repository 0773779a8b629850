"""What pyproject.toml cannot say: build from the sources alone."""

import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class FreshBuildPy(build_py):
    """Empties the build folder first: setuptools packs whatever an earlier build left in it.

    Otherwise a wheel built after a second training would hold both models.
    """

    def run(self) -> None:
        """Build the package into an empty folder."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(cmdclass={"build_py": FreshBuildPy})
