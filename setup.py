"""What pyproject.toml cannot say: build from the sources alone, and twice the same."""

import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

READABLE = 0o644

os.umask(0o022)  # archives keep modes, which are those of who builds


class FreshBuildPy(build_py):
    """Empties the build folder first: setuptools packs whatever an earlier build left in it.

    Otherwise a wheel built after a second training would hold both models.
    """

    def run(self) -> None:
        """Build the package into an empty folder, with the modes of a fresh checkout."""
        if self.editable_mode:
            super().run()
            return
        if Path(self.build_lib).resolve().is_relative_to(Path("build").resolve()):
            shutil.rmtree(self.build_lib, ignore_errors=True)  # not a folder that somebody named
        super().run()
        for path in Path(self.build_lib).rglob("*"):
            if path.is_file():
                path.chmod(READABLE)


class SameSdist(sdist):
    """Gives every file the time SOURCE_DATE_EPOCH, as wheels do, and nobody as its owner."""

    def make_archive(self, *arguments: object, **options: object) -> str:
        """Write the archive, then its content once more without what the machine added."""
        archive: str = super().make_archive(*arguments, **options)
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is not None and archive.endswith(".tar.gz"):
            timeless(Path(archive), int(epoch))
        return archive


def timeless(path: Path, epoch: int) -> None:
    """Rewrite an archive with the time ``epoch`` (seconds since 1970) everywhere."""
    content = io.BytesIO()
    with (
        tarfile.open(path) as old,
        gzip.GzipFile("", "wb", fileobj=content, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid = epoch, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() else READABLE
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    path.write_bytes(content.getvalue())


setup(cmdclass={"build_py": FreshBuildPy, "sdist": SameSdist})
