"""An output never takes the place of an input, nor of another output."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from regression_model import InvalidInput, file_conflicts
from regression_model.artifact import open_artifact
from regression_model.file_conflicts import refuse_conflicts
from reliability.models import copied


def _itself(houses: Path) -> Path:
    return houses


def _relative(houses: Path) -> Path:
    return Path(os.path.relpath(houses))


def _link(houses: Path) -> Path:
    link = houses.with_name("link.csv")
    link.symlink_to(houses.name)
    return link


def _hard_link(houses: Path) -> Path:
    link = houses.with_name("hard.csv")
    link.hardlink_to(houses)
    return link


SPELLINGS = [_itself, _relative, _link, _hard_link]


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text("Id\n1\n")
    return path


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_output_that_is_an_input_is_refused_under_every_name(
    houses: Path, spelling: Callable[[Path], Path]
) -> None:
    output = spelling(houses)

    with pytest.raises(
        InvalidInput,
        match=rf"^--output \S*{output.name} would replace {houses}, an input \(INPUT\); "
        "choose another --output$",
    ):
        refuse_conflicts({"--output": output}, {"INPUT": houses})


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_two_outputs_of_one_file_are_refused(
    houses: Path, spelling: Callable[[Path], Path]
) -> None:
    with pytest.raises(InvalidInput, match=r"^--plots .* is also the file of --report"):
        refuse_conflicts({"--report": houses, "--plots": spelling(houses)}, {})


def test_two_outputs_of_one_file_that_does_not_exist_yet_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to("page.html")

    with pytest.raises(InvalidInput, match=r"--plots .* is also the file of --report"):
        refuse_conflicts(
            {"--report": tmp_path / "page.html", "--plots": tmp_path / "link.html"}, {}
        )


def test_other_files_and_devices_are_left_alone(houses: Path, tmp_path: Path) -> None:
    shutil.copy(houses, tmp_path / "copy.csv")

    refuse_conflicts({"--output": tmp_path / "copy.csv"}, {"INPUT": houses})
    refuse_conflicts({"--output": tmp_path / "new.csv"}, {"INPUT": tmp_path / "absent.csv"})
    refuse_conflicts(
        {"--output": Path(os.devnull), "--report": Path(os.devnull)}, {"INPUT": Path(os.devnull)}
    )


@pytest.fixture
def root(artifact: Path, tmp_path: Path) -> Path:
    """A folder with an artifact, and with a report beside."""
    root = copied(open_artifact(artifact), tmp_path / "models")
    (root / "report.html").touch()
    return root


@pytest.mark.parametrize("named", ["models", "models/regression_model-*"])
@pytest.mark.parametrize("name", ["MODEL_CARD.md", "manifest.json"])
def test_a_file_of_an_artifact_that_is_read_is_refused(
    root: Path, tmp_path: Path, named: str, name: str
) -> None:
    (read,) = tmp_path.glob(named)
    (file,) = root.glob(f"*/{name}")

    with pytest.raises(InvalidInput, match=rf"{name}, an input \(--artifact\)"):
        refuse_conflicts({"--report": file}, {"--artifact": read})


def test_of_a_folder_only_the_artifact_is_refused(root: Path) -> None:
    refuse_conflicts({"--report": root / "report.html"}, {"--artifact": root})

    with pytest.raises(InvalidInput, match=r"CURRENT, an input \(--artifact\)"):
        refuse_conflicts({"--report": root / "CURRENT"}, {"--artifact": root})
    with pytest.raises(InvalidInput, match=r"models, an input \(MANIFEST\)"):
        refuse_conflicts({"--output": root}, {"MANIFEST": root})


def test_an_artifact_that_saving_would_remove_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (manifest,) = root.glob("*/manifest.json")
    refuse_conflicts({"--output": root}, {"MANIFEST": manifest})  # it stays beside the new one

    monkeypatch.setattr(file_conflicts, "package_root", lambda: root)

    for read in (manifest, manifest.parent):
        with pytest.raises(
            InvalidInput, match=r"models/regression_model-.*, an input \(MANIFEST\)"
        ):
            refuse_conflicts({"--output": root}, {"MANIFEST": read})
