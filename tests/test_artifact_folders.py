"""Nothing is removed from a folder of artifacts but what this package put there and replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from regression_model.artifact import GRAPH, open_artifact
from regression_model.artifact_folders import copy_artifact, remove_superseded
from regression_model.errors import ArtifactError
from reliability.models import content_of


@pytest.fixture
def save(artifact: Path) -> Callable[..., Path]:
    """Save the trained artifact again; ``turn`` makes another one of it."""

    def make(root: Path, turn: int = 0) -> Path:
        return content_of(open_artifact(artifact), turn=turn).save(root)

    return make


Save = Callable[..., Path]


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_a_folder_of_trained_models_takes_no_copy(save: Save, tmp_path: Path) -> None:
    served, models = open_artifact(save(tmp_path / "served")), tmp_path / "models"
    first, second = save(models, 1), save(models, 2)

    with pytest.raises(ArtifactError, match=rf"models holds {first.name[:20]}.* no.* a copy"):
        copy_artifact(served, models)

    assert names(models) == {first.name, second.name, "CURRENT"}
    assert open_artifact(models).folder == second


def test_an_artifact_takes_no_copy_into_its_own_folder(save: Save, tmp_path: Path) -> None:
    folder = save(tmp_path)
    before = names(folder)

    for place in (tmp_path, folder):
        with pytest.raises(ArtifactError, match="is not a copy made by this package"):
            copy_artifact(open_artifact(folder), place)

    assert names(tmp_path) == {folder.name, "CURRENT"}
    assert names(folder) == before


def test_a_folder_of_that_name_that_is_no_artifact_takes_no_copy(
    save: Save, tmp_path: Path
) -> None:
    mine = tmp_path / "kept" / "regression_model-notes"
    (mine / ".git").mkdir(parents=True)
    (mine / "plan.txt").write_text("mine")

    with pytest.raises(ArtifactError, match="holds regression_model-notes"):
        copy_artifact(open_artifact(save(tmp_path / "served")), mine.parent)

    assert (mine / "plan.txt").read_text() == "mine"


def add_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def add_folder(folder: Path) -> None:
    (folder / ".git").mkdir()


def rename(folder: Path) -> None:
    folder.rename(folder.with_name("regression_model-mine"))


def lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def lose_mark(folder: Path) -> None:
    (folder / "ORIGIN").unlink()


def become_a_link(folder: Path) -> None:
    elsewhere = folder.parents[1] / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


@pytest.mark.parametrize(
    "change", [add_file, add_folder, rename, lose_manifest, lose_mark, become_a_link]
)
def test_a_superseded_copy_that_is_not_wholly_ours_stays(
    change: Callable[[Path], None], save: Save, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    old = copy_artifact(open_artifact(save(tmp_path / "1", 1)), kept)
    new = copy_artifact(open_artifact(save(tmp_path / "2", 2)), tmp_path / "new")
    shutil.copytree(new, kept / new.name)
    (kept / "CURRENT").write_text(new.name)
    change(old)
    before = {path: names(path) for path in kept.iterdir() if path.is_dir()}

    remove_superseded(kept, copies=True)

    assert {path: names(path) for path in kept.iterdir() if path.is_dir()} == before


def test_a_superseded_copy_goes_and_everything_else_stays(save: Save, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    copy_artifact(open_artifact(save(tmp_path / "1", 1)), kept)
    (kept / "api-keys").write_text("mine")
    (kept / ".saving-money").mkdir()
    (kept / ".saving-money" / "plan.txt").write_text("mine")
    (kept / ".saving-12").write_text("mine")
    (kept / ".saving-2024-june").write_text("mine")

    new = copy_artifact(open_artifact(save(tmp_path / "2", 2)), kept)

    mine = {"api-keys", ".saving-money", ".saving-12", ".saving-2024-june"}
    assert names(kept) == {new.name, "CURRENT", *mine}
    assert names(kept / ".saving-money") == {"plan.txt"}


def test_a_damaged_artifact_is_repaired_and_keeps_what_was_added_to_it(
    save: Save, tmp_path: Path
) -> None:
    folder = save(tmp_path)
    (folder / "notes.txt").write_text("mine")
    (folder / GRAPH).write_bytes(b"damaged")

    assert save(tmp_path) == folder

    assert open_artifact(tmp_path).verify()[1] == []
    assert (folder / "notes.txt").read_text() == "mine"


def test_two_processes_that_copy_at_once_both_succeed(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, kept = open_artifact(save(tmp_path / "served")), tmp_path / "kept"
    replace = os.replace

    def slow(source: Path, target: Path) -> None:
        """The other process is quicker by one rename."""
        monkeypatch.setattr(os, "replace", replace)
        copy_artifact(served, kept)
        replace(source, target)

    monkeypatch.setattr(os, "replace", slow)
    folder = copy_artifact(served, kept)

    assert names(kept) == {folder.name, "CURRENT"}
