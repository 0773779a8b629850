"""Folders of the master are made, shared and removed; nothing of anybody else's is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_api.master.own_folders import MARK, OwnFolders, why_not_for_copies
from regression_model import ArtifactError, copy_artifact
from regression_model.artifact import open_artifact
from reliability.models import copied

NAME = "ML_API_TEST_FOLDER"


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folders are made."""
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_that_a_killed_master_left_is_removed_and_all_others_stay(memory: Path) -> None:
    left, mine, note = (memory / f"ml-api-test-{name}" for name in ("left", "mine", "note"))
    for folder in (left, mine):
        folder.mkdir()
        (folder / "plan.txt").write_text("mine")
    (left / MARK).touch()
    note.write_text("mine")

    environ: dict[str, str] = {}
    folders = OwnFolders(environ)
    folders.provide(NAME, "test")
    made = Path(environ[NAME])

    assert {path.name for path in memory.iterdir()} == {mine.name, note.name, made.name}
    assert (mine / "plan.txt").read_text() == "mine"
    folders.leave()
    assert not made.exists()


def nothing_there(folder: Path, artifact: Path) -> None:
    pass


def what_the_service_keeps(folder: Path, artifact: Path) -> None:
    folder.mkdir()
    (folder / "api-keys").write_text("keys")
    (folder / ".saving-12").write_text("mine")


def other_files(folder: Path, artifact: Path) -> None:
    folder.mkdir()
    (folder / "plan.txt").write_text("mine")


def a_model_of_another_name(folder: Path, artifact: Path) -> None:
    copied(open_artifact(artifact), folder)
    open_artifact(folder).folder.rename(folder / "champion")
    (folder / "CURRENT").write_text("champion")


def a_current_of_somebody(folder: Path, artifact: Path) -> None:
    folder.mkdir()
    (folder / "CURRENT").write_text("Id,Price\n")


def a_file(folder: Path, artifact: Path) -> None:
    folder.write_text("mine")


def an_older_copy(folder: Path, artifact: Path) -> None:
    copy_artifact(open_artifact(artifact), folder)


def trained_models(folder: Path, artifact: Path) -> None:
    copied(open_artifact(artifact), folder)


def an_artifact_itself(folder: Path, artifact: Path) -> None:
    copied(open_artifact(artifact), folder.parent / "x")
    open_artifact(folder.parent / "x").folder.rename(folder)


def a_folder_of_that_name(folder: Path, artifact: Path) -> None:
    (folder / "regression_model-notes" / ".git").mkdir(parents=True)


FINE = [nothing_there, what_the_service_keeps, an_older_copy]
REFUSED = [
    *(trained_models, an_artifact_itself, a_folder_of_that_name, other_files, a_file),
    *(a_model_of_another_name, a_current_of_somebody),
]


@pytest.mark.parametrize("make", [*FINE, *REFUSED])
def test_the_master_and_the_package_agree_on_where_copies_may_be_kept(
    make: Callable[[Path, Path], None], artifact: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    make(folder, artifact)

    fault = why_not_for_copies(folder, str(artifact))

    assert (fault is not None) == (make in REFUSED)
    try:
        copy_artifact(open_artifact(artifact), folder)
        assert make in FINE
    except (ArtifactError, OSError):
        assert make in REFUSED


def test_the_folder_that_is_served_keeps_no_copies(artifact: Path, tmp_path: Path) -> None:
    pulled = tmp_path / "pulled"
    copy_artifact(open_artifact(artifact), pulled, origin="models:/m/1")
    link = tmp_path / "link"
    link.symlink_to(pulled)

    assert why_not_for_copies(link, str(pulled)) == "it is the folder of the model that is served"
