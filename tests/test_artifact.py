"""Artifacts are whole or refused: whatever happens to the disk, the process or the files."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regression_model import load_model
from regression_model.artifact import (
    ENVIRONMENT_VARIABLE,
    GOLDEN,
    GRAPH,
    PIPELINE,
    Artifact,
    open_artifact,
    origin_of,
    package_root,
)
from regression_model.artifact_folders import copy_artifact, remove_superseded, save_artifact
from regression_model.errors import (
    ArtifactCorrupt,
    ArtifactError,
    ArtifactIncompatible,
    ModelNotFound,
)
from regression_model.manifest import FORMAT, render_manifest
from regression_model.training.persistence import GUARDED, load_pipeline

FILES = {GRAPH: b"graph " * 100, PIPELINE: b"pipeline " * 70, GOLDEN: b'[{"house": {}}]\n'}
NEW_FILES = {GRAPH: b"GRAPH " * 90, PIPELINE: b"PIPELINE " * 80, GOLDEN: b"[]\n"}
MANIFEST = {
    "name": "regression_model",
    "note": "für Häuser",
    "numbers": [1, 2.5, None, True],
    "trained_at": "2026-01-01T00:00:00+00:00",
    "git_revision": None,
    "spec": {},
    "libraries": {},
    "config_sha256": "0" * 64,
    "data": {"source": "file", "name": "sales.csv", "rows": 1, "sha256": "0" * 64},
    "interval": {"coverage": 0.9, "half_width_log": 1.0, "fsd_log": 0.5},
    "metrics": {"cross_validated": {"model": {}}, "held_out": {"model": {}}, "repeats": []},
    "gate": {"passed": True, "checks": []},
    "study": {},
    "profile": {"levels": {}, "ranges": {}},
}


def save(root: Path, files: Mapping[str, bytes] = FILES, **manifest: Any) -> Path:
    return save_artifact(root, version="1.2.3", manifest={**MANIFEST, **manifest}, files=files)


def contents(root: Path) -> dict[str, bytes]:
    """Every file under ``root`` with its bytes."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def rewrite_manifest(folder: Path, **changes: Any) -> None:
    """Change parts of a manifest as an attacker would: its own digest is right again."""
    path = folder / "manifest.json"
    path.write_text(render_manifest({**json.loads(path.read_bytes()), **changes}), "utf-8")


class TestSaving:
    def test_saved_artifact_opens_with_manifest_and_bytes(self, tmp_path: Path) -> None:
        folder = save(tmp_path)
        opened = open_artifact(tmp_path)

        assert opened.folder == folder
        assert {key: opened.manifest[key] for key in MANIFEST} == MANIFEST
        assert opened.manifest["format"] == FORMAT
        assert opened.manifest["version"] == "1.2.3"
        assert {name: opened.read(name) for name in FILES} == FILES
        assert opened.verify() == (sorted(FILES), [])

    def test_manifest_carries_the_hash_of_every_file(self, tmp_path: Path) -> None:
        manifest = json.loads((save(tmp_path) / "manifest.json").read_text("utf-8"))

        assert manifest["files"] == {n: hashlib.sha256(c).hexdigest() for n, c in FILES.items()}

    def test_folder_is_named_by_version_and_digest(self, tmp_path: Path) -> None:
        folder = save(tmp_path)
        digest = open_artifact(tmp_path).manifest["digest"]

        assert folder.name == f"regression_model-1.2.3-{digest[:8]}"
        assert (tmp_path / "CURRENT").read_text("utf-8") == f"{folder.name}\n"

    def test_folder_itself_and_folder_with_current_open_the_same(self, tmp_path: Path) -> None:
        folder = save(tmp_path)

        assert open_artifact(folder) == open_artifact(tmp_path)
        assert open_artifact(str(tmp_path)) == open_artifact(tmp_path)

    def test_folder_is_made_with_its_parents(self, tmp_path: Path) -> None:
        assert save(tmp_path / "a" / "b").parent == tmp_path / "a" / "b"

    def test_newer_artifact_takes_force_and_leaves_the_older_untouched(
        self, tmp_path: Path
    ) -> None:
        older = save(tmp_path)
        before = contents(older)
        newer = save(tmp_path, NEW_FILES)

        assert newer != older
        assert open_artifact(tmp_path).folder == newer
        assert contents(older) == before
        assert open_artifact(older).read(GRAPH) == FILES[GRAPH]

    @pytest.mark.parametrize(
        ("mask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)]
    )
    def test_an_artifact_is_as_private_as_the_umask_wants(
        self, tmp_path: Path, umask: Callable[[int], int], mask: int, folder: int, file: int
    ) -> None:
        umask(mask)

        saved = save(tmp_path)

        assert saved.stat().st_mode & 0o777 == folder
        assert {p.stat().st_mode & 0o777 for p in [*saved.iterdir(), tmp_path / "CURRENT"]} == {
            file
        }

    def test_same_content_is_the_same_folder_untouched(self, tmp_path: Path) -> None:
        folder = save(tmp_path)
        times = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
        save(tmp_path, NEW_FILES)

        assert save(tmp_path) == folder
        assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == times
        assert open_artifact(tmp_path).folder == folder

    def test_damaged_folder_of_the_same_content_is_not_put_in_force(self, tmp_path: Path) -> None:
        folder = save(tmp_path)
        (folder / GRAPH).write_bytes(b"damaged")
        save(tmp_path)

        assert open_artifact(tmp_path).read(GRAPH) == FILES[GRAPH]

    def test_what_a_running_process_is_saving_is_left_alone(self, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            unfinished = tmp_path / f".saving-{other.pid}-0123456789abcdef"
            unfinished.mkdir()
            save(tmp_path)
            kept = unfinished.is_dir()
            other.kill()
        save(tmp_path, NEW_FILES)

        assert kept
        assert not unfinished.exists()

    def test_nothing_stray_is_left(self, tmp_path: Path) -> None:
        folder = save(tmp_path)

        assert {p.name for p in tmp_path.iterdir()} == {folder.name, "CURRENT"}

    def test_number_that_is_not_json_is_refused_before_anything_is_written(
        self, tmp_path: Path
    ) -> None:
        save(tmp_path)
        before = contents(tmp_path)

        with pytest.raises(ValueError, match="Out of range float values are not JSON"):
            save(tmp_path, NEW_FILES, width=float("nan"))

        assert contents(tmp_path) == before

    def test_superseded_artifacts_are_removed_and_the_one_in_force_stays(
        self, tmp_path: Path
    ) -> None:
        save(tmp_path)
        newer = save(tmp_path, NEW_FILES)
        (tmp_path / "notes.txt").touch()
        remove_superseded(tmp_path, copies=False)

        assert {p.name for p in tmp_path.iterdir()} == {newer.name, "CURRENT", "notes.txt"}
        assert open_artifact(tmp_path).verify()[1] == []


class TestCopying:
    def test_copy_holds_what_serving_reads_in_place_of_older_copies(self, tmp_path: Path) -> None:
        original, copies = open_artifact(save(tmp_path / "a")), tmp_path / "copies"
        copy_artifact(open_artifact(save(tmp_path / "b", NEW_FILES)), copies)

        copied = open_artifact(copy_artifact(original, copies))

        assert [p.name for p in copies.iterdir() if p.is_dir()] == [original.folder.name]
        assert sorted(copied.manifest["files"]) == sorted([GRAPH, PIPELINE, GOLDEN])
        assert {p.name for p in copied.folder.iterdir()} == {
            GRAPH,
            GOLDEN,
            "manifest.json",
            "ORIGIN",
        }
        assert copied.read(GRAPH) == FILES[GRAPH]

    def test_copy_says_where_it_came_from(self, tmp_path: Path) -> None:
        original, copies = open_artifact(save(tmp_path / "a")), tmp_path / "copies"
        assert origin_of(original) == origin_of(open_artifact(copy_artifact(original, copies)))

        for origin in ("models:/houses/1", "models:/houses/2"):
            copy_artifact(original, copies, origin=origin)
            assert origin_of(open_artifact(copies)) == origin

        assert origin_of(original) == "folder"

    def test_new_origin_leaves_the_copy_in_force_where_it_is(self, tmp_path: Path) -> None:
        original, copies = open_artifact(save(tmp_path / "a")), tmp_path / "copies"
        folder = copy_artifact(original, copies, origin="models:/houses/1")
        before = folder.stat().st_ino

        copy_artifact(original, copies, origin="models:/houses/2")

        assert folder.stat().st_ino == before
        assert {p.name for p in copies.iterdir()} == {folder.name, "CURRENT"}

    def test_what_the_package_holds_is_its_own(self) -> None:
        assert origin_of(Artifact(package_root() / "regression_model-1", {})) == "package"


class TestOpening:
    def test_environment_names_the_artifact(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = save(tmp_path)
        for named in (tmp_path, folder):
            monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(named))
            assert open_artifact().folder == folder

    def test_path_goes_before_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "nowhere"))
        folder = save(tmp_path)

        assert open_artifact(tmp_path).folder == folder

    def test_package_keeps_its_own_artifact_beside_its_code(self) -> None:
        import regression_model

        assert package_root().parent == Path(regression_model.__file__).parent

    @pytest.mark.parametrize("named", ["", "nowhere"])
    def test_missing_artifact_is_named_with_the_command_that_makes_one(
        self, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / named))

        message = f"no trained model in .*{named}.*regression-model train.*{ENVIRONMENT_VARIABLE}"
        with pytest.raises(ModelNotFound, match=message):
            open_artifact()

    @pytest.mark.parametrize("text", ["", "\n", "../elsewhere", "/absolute", "a/b", ".."], ids=repr)
    def test_current_that_names_no_folder_beside_it_is_refused(
        self, text: str, tmp_path: Path
    ) -> None:
        save(tmp_path)
        (tmp_path / "CURRENT").write_text(text)

        with pytest.raises(ArtifactCorrupt, match="CURRENT does not name a folder beside it"):
            open_artifact(tmp_path)

    def test_current_that_names_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "CURRENT").write_text("regression_model-1-12345678\n")

        with pytest.raises(ArtifactCorrupt, match=r"manifest.json of regression_model-1-12345678"):
            open_artifact(tmp_path)

    def test_file_the_manifest_does_not_know_is_refused(self, tmp_path: Path) -> None:
        (save(tmp_path) / "notes.txt").write_text("hello")

        with pytest.raises(ArtifactCorrupt, match=r"has no notes.txt; train a new one"):
            open_artifact(tmp_path).read("notes.txt")

    @pytest.mark.parametrize("name", FILES)
    def test_missing_file_is_refused_by_name(self, name: str, tmp_path: Path) -> None:
        (save(tmp_path) / name).unlink()

        with pytest.raises(ArtifactCorrupt, match=f"{name} .*cannot be read: No such file"):
            open_artifact(tmp_path).read(name)

    @pytest.mark.parametrize("known", [0, 1, 3, "2", None, "two"])
    def test_other_format_is_refused_with_both_named(self, known: Any, tmp_path: Path) -> None:
        rewrite_manifest(save(tmp_path), format=known)

        message = f"has format {known!r}, this package reads format {FORMAT}; install"
        with pytest.raises(ArtifactIncompatible, match=message):
            open_artifact(tmp_path)

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{}", b"null", b"1", b"{", b"\xff\xfe", b"[" * 10_000]
    )
    def test_manifest_that_is_none_is_refused(self, content: bytes, tmp_path: Path) -> None:
        (save(tmp_path) / "manifest.json").write_bytes(content)

        with pytest.raises(ArtifactCorrupt, match=r"manifest.json of .* is damaged"):
            open_artifact(tmp_path)


def open_and_read_all(folder: Path) -> None:
    """What serving does before it loads anything: verify, then hand out bytes."""
    opened = open_artifact(folder)
    for name in FILES:
        opened.read(name)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, artifact: Path) -> Path:
    """A copy of the trained artifact's folder, to be damaged and healed."""
    copy = tmp_path_factory.mktemp("sound") / "artifact"
    shutil.copytree(open_artifact(artifact).folder, copy)
    open_and_read_all(copy)
    return copy


NAMES = ("manifest.json", GRAPH, PIPELINE, GOLDEN)


def refused_with(path: Path, content: bytes) -> bool:
    """Whether the artifact is refused while ``path`` holds ``content``."""
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        open_and_read_all(path.parent)
    except ArtifactError:
        return True
    finally:
        path.write_bytes(whole)
    return False


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("extra", [b"\0", b" ", b"\n"])
def test_appended_bytes_are_refused(name: str, extra: bytes, sound: Path) -> None:
    assert refused_with(sound / name, (sound / name).read_bytes() + extra)


@pytest.mark.parametrize("name", [PIPELINE, GRAPH])
def test_damaged_file_never_reaches_the_loader(
    name: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import joblib
    import onnxruntime

    copy = tmp_path / "artifact"
    shutil.copytree(sound, copy)
    damaged = bytearray((copy / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / name).write_bytes(damaged)

    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("a damaged file was loaded")

    monkeypatch.setattr(joblib, "load", loaded)
    monkeypatch.setattr(onnxruntime, "InferenceSession", loaded)
    with pytest.raises(
        ArtifactCorrupt, match=f"{name} of artifact .* SHA-256 .* its manifest says"
    ):
        load_pipeline(open_artifact(copy)) if name == PIPELINE else load_model(copy)


class TestLibraries:
    @pytest.fixture
    def written_by(self, artifact: Path, tmp_path: Path) -> Callable[..., Artifact]:
        """The trained artifact, as other libraries would have written it."""

        def rewrite(**libraries: str) -> Artifact:
            original = open_artifact(artifact)
            kept = {k: v for k, v in original.manifest.items() if k not in ("digest", "files")}
            kept["libraries"] = {**kept["libraries"], **libraries}
            version = kept.pop("version")
            files = {name: original.read(name) for name in original.manifest["files"]}
            save_artifact(tmp_path, version=version, manifest=kept, files=files)
            return open_artifact(tmp_path)

        return rewrite

    def test_pipeline_of_the_same_libraries_loads_and_predicts_alike(
        self, artifact: Path, trained: Any, sales: Any
    ) -> None:
        pipeline = load_pipeline(open_artifact(artifact))

        np.testing.assert_array_equal(
            pipeline.predict(sales.frame[:20]), trained.pipeline.predict(sales.frame[:20])
        )

    @pytest.mark.parametrize("name", ["python", *GUARDED])
    def test_other_minor_is_refused_with_both_named_and_the_graph_still_loads(
        self, name: str, written_by: Callable[..., Artifact], artifact: Path, houses: Any
    ) -> None:
        current = open_artifact(artifact).manifest["libraries"][name]
        rewritten = written_by(**{name: "0.99.3"})

        message = (
            f"pipeline.joblib was written with {name} 0.99.3, this is {name} {current}; "
            rf"install {name} 0\.99\.\*, or train anew \(the compiled graph still loads\)"
        )
        with pytest.raises(ArtifactIncompatible, match=message):
            load_pipeline(rewritten)
        expected = load_model(artifact).predict(houses)["predictions"]
        assert load_model(rewritten.folder).predict(houses)["predictions"] == expected

    def test_other_patch_release_loads(
        self, written_by: Callable[..., Artifact], artifact: Path
    ) -> None:
        current = open_artifact(artifact).manifest["libraries"]["numpy"]
        patched = ".".join([*current.split(".")[:2], "99"])

        assert load_pipeline(written_by(numpy=patched)) is not None

    def test_library_this_package_does_not_know_is_refused_by_name(
        self, written_by: Callable[..., Artifact]
    ) -> None:
        with pytest.raises(ArtifactIncompatible, match=r"lightgbm 4.1.0"):
            load_pipeline(written_by(lightgbm="4.1.0"))


def test_manifest_is_reread_when_its_folder_was_replaced_and_removed(tmp_path: Path) -> None:
    """Opening succeeds although every older artifact is removed at once, as on installing anew."""
    save(tmp_path)
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                open_artifact(tmp_path)
            except ArtifactError as error:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(50):
        save(tmp_path, FILES, turn=turn)
        remove_superseded(tmp_path, copies=False)
    done.set()
    for thread in threads:
        thread.join()

    assert failures == []


def test_hash_is_checked_again_at_every_reading(tmp_path: Path) -> None:
    opened = open_artifact(save(tmp_path))
    assert opened.read(GRAPH) == FILES[GRAPH]
    (opened.folder / GRAPH).write_bytes(b"changed after opening")

    with pytest.raises(ArtifactCorrupt, match="the file changed after training"):
        opened.read(GRAPH)
