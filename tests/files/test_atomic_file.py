"""Files are replaced whole, with the mode that their user wants, and only where that is meant."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regression_model import InvalidInput
from regression_model.files import atomic_file
from regression_model.files.atomic_file import check_replaceable, replacing, write_text

NOBODY = 65534


@pytest.fixture(params=["nameless", "named"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of temporary file."""
    if request.param == "named":
        monkeypatch.setattr(atomic_file, "open_nameless", lambda _: None)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user who may not do what root may; that user runs the test."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("ways")
def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "prices.csv"

    for content in ("first", "second"):
        with replacing(target) as temporary:
            temporary.write_text(content)
            assert not target.exists() or target.read_text() == "first"
        assert target.read_text() == content
        assert names(tmp_path) == {"prices.csv"}


@pytest.mark.usefixtures("ways")
def test_a_file_may_have_the_longest_name(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 251 + ".csv")

    write_text(target, "prices")

    assert target.read_text() == "prices"


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(
    tmp_path: Path, umask: Callable[[int], int], mask: int, expected: int
) -> None:
    umask(mask)

    write_text(tmp_path / "report.html", "private?")

    assert mode(tmp_path / "report.html") == expected


@pytest.mark.usefixtures("ways", "umask")
@pytest.mark.parametrize("before", [0o640, 0o600, 0o666, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, before: int) -> None:
    target = tmp_path / "prices.csv"
    target.touch()
    target.chmod(before)

    write_text(target, "new")

    assert (mode(target), target.read_text()) == (before, "new")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.usefixtures("ways")
def test_what_root_replaces_stays_its_owners(tmp_path: Path) -> None:
    target = tmp_path / "prices.csv"
    target.touch(0o600)
    os.chown(target, NOBODY, NOBODY)

    write_text(target, "new")

    assert (target.stat().st_uid, target.stat().st_gid, mode(target)) == (NOBODY, NOBODY, 0o600)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path: Path, dangling: bool) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real.csv", tmp_path / "link.csv"
    if not dangling:
        real.write_text("old")
        real.chmod(0o640)
    link.symlink_to("middle.csv")
    (tmp_path / "middle.csv").symlink_to("far/real.csv")

    with replacing(link) as temporary:
        temporary.write_text("new")
        assert dangling != real.exists()

    assert link.is_symlink()
    assert (tmp_path / "middle.csv").is_symlink()
    assert real.read_text() == "new"
    assert names(tmp_path / "far") == {"real.csv"}
    assert dangling or mode(real) == 0o640


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()

    check_replaceable(pipe)
    write_text(pipe, "prices")

    reader.join(timeout=20)
    assert read == ["prices"]
    assert pipe.is_fifo()
    assert names(tmp_path) == {"pipe"}


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "nothing.csv"
    link.symlink_to(os.devnull)

    for target in (Path(os.devnull), link):
        check_replaceable(target)
        write_text(target, "prices")

    assert Path(os.devnull).is_char_device()
    assert link.is_symlink()


def test_an_open_file_without_a_name_is_written_to(tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as stream:
        write_text(Path(f"/dev/fd/{stream.fileno()}"), "prices")

        assert stream.read() == b"prices"
    assert names(tmp_path) == set()


def _folder(target: Path) -> None:
    target.mkdir()


def _loop(target: Path) -> None:
    target.symlink_to(target.name)


def _without_folder(target: Path) -> None:
    target.symlink_to("absent/prices.csv")


def _socket(target: Path) -> None:
    os.mknod(target, stat.S_IFSOCK | 0o600)


@pytest.mark.parametrize("check", [check_replaceable, lambda target: write_text(target, "new")])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_folder, "this is a folder; name a file"),
        (_loop, "symbolic links; remove the link, or name another file"),
        (_without_folder, "No such file or directory; make the folder first, or name another"),
        (_socket, "this is neither a file nor a pipe"),
    ],
)
def test_what_cannot_be_replaced_is_refused_with_a_remedy(
    tmp_path: Path, check: Callable[[Path], None], make: Callable[[Path], None], message: str
) -> None:
    target = tmp_path / "prices.csv"
    make(target)

    with pytest.raises(InvalidInput, match=rf"prices\.csv: cannot be written: .*{message}"):
        check(target)

    assert names(tmp_path) == {"prices.csv"}


@pytest.mark.parametrize("check", [check_replaceable, lambda target: write_text(target, "new")])
def test_a_protected_file_and_a_protected_folder_are_refused(
    unprivileged: Path, check: Callable[[Path], None]
) -> None:
    target = unprivileged / "prices.csv"
    target.write_text("old")

    target.chmod(0o444)
    with pytest.raises(InvalidInput, match=r"the file is protected against writing; allow writing"):
        check(target)
    target.chmod(0o644)
    unprivileged.chmod(0o555)
    with pytest.raises(InvalidInput, match="allow writing there, or name another file"):
        check(target)
    unprivileged.chmod(0o755)

    assert target.read_text() == "old"
    check_replaceable(target)


def test_an_error_while_writing_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "prices.csv"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError("division")

    with pytest.raises(ZeroDivisionError, match="division"):
        fail()

    assert target.read_text() == "old"
    assert names(tmp_path) == {"prices.csv"}


OWN_WAYS = {
    "artifact_folders.py": "writes folders, which it replaces whole",
    "batch/writers.py": "is given the temporary file",
    "scoring.py": "is given the temporary file",
    "sources/datasets.py": "checks a table in a temporary folder",
    "tracking/report.py": "is given a temporary folder",
    "tracking/usage.py": "is given a temporary folder",
    "sales/sample.py": "is given the temporary file",
    "wheels.py": "is given a temporary folder",
}


def test_every_other_module_writes_files_this_way() -> None:
    package = Path(atomic_file.__file__).parents[1]
    writes = re.compile(r'(?<!temporary)\.(write_(text|bytes)\(|open\("[wxa])')

    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if writes.search(path.read_text("utf-8"))
    }

    assert found == {*OWN_WAYS}
