"""A model is made again from its record, to the byte, and every difference is named."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from regression_model.artifact import open_artifact
from regression_model.artifact_folders import save_artifact
from regression_model.cli import group
from regression_model.config.reader import bundled_config
from regression_model.errors import ArtifactCorrupt, DataError, ModelNotFound
from regression_model.sales.table import load_sales, sample_sales
from regression_model.training import reproduce as reproducing
from regression_model.training.persistence import save_trained
from regression_model.training.reproduce import compare, find_config, find_sales, read_record


@pytest.mark.process
def test_another_process_elsewhere_makes_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    original = open_artifact(artifact)
    path = [str(Path(reproducing.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONHASHSEED": "12345",
        "TZ": "Pacific/Auckland",
    }
    command = [sys.executable, "-m", "regression_model", "reproduce", str(artifact.resolve())]

    ended = subprocess.run(
        [*command, "--output", "again"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("identical to the byte\n")
    again = open_artifact(tmp_path / "again")
    assert again.folder.name == original.folder.name
    names = {path.name for path in original.folder.iterdir()}
    assert {"config.yml", "pipeline.joblib", "difficulty.joblib", "manifest.json"} <= names
    for name in names:
        assert (again.folder / name).read_bytes() == (original.folder / name).read_bytes(), name


@pytest.fixture
def without_fitting(monkeypatch: pytest.MonkeyPatch, trained: Any) -> None:
    """Training gives the session's model at once: what is tested is what stands around it."""
    monkeypatch.setattr(reproducing, "train", lambda *_, **__: trained)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(group, ["reproduce", *map(str, arguments)], catch_exceptions=False)


def rewritten(artifact: Path, root: Path, **changed: Any) -> Path:
    """A copy of the artifact whose manifest says something else."""
    opened = open_artifact(artifact)
    files = {name: opened.read(name) for name in opened.manifest["files"]}
    known = {k: v for k, v in opened.manifest.items() if k not in ("files", "digest", "version")}
    return save_artifact(root, version="0.0.9", manifest={**known, **changed}, files=files)


@pytest.mark.usefixtures("without_fitting")
def test_what_differs_is_named_with_both_values(artifact: Path, tmp_path: Path) -> None:
    libraries = {**open_artifact(artifact).manifest["libraries"], "numpy": "1.2.3"}
    folder = rewritten(artifact, tmp_path, libraries=libraries, git_revision="cafe")

    result = run(folder)

    assert result.exit_code == 1
    assert "DIFFERS manifest.json" in result.stdout
    assert "same    model.onnx" in result.stdout
    assert "libraries.numpy: recorded 1.2.3, here " in result.stdout
    assert "version: recorded 0.0.9, here " in result.stdout


@pytest.mark.usefixtures("without_fitting")
def test_a_machine_reads_the_same(artifact: Path, tmp_path: Path) -> None:
    metrics = {**open_artifact(artifact).manifest["metrics"], "members": {"trees": 0.5}}

    result = run(rewritten(artifact, tmp_path, metrics=metrics), "--json")

    said = json.loads(result.stdout)
    assert said["identical"] is False
    assert said["files"]["manifest.json"] is False
    assert {"path": "metrics.members.kernel", "recorded": "absent"}.items() <= (
        said["outcomes"][0].items()
    )


def test_files_that_one_side_lacks_differ() -> None:
    recorded = {"files": {"a": "1", "b": "2"}, "digest": "x", "list": [1, 2]}
    found = {"files": {"a": "1", "c": "3"}, "digest": "y", "list": [1, 3]}

    compared = compare(recorded, found)

    assert compared.files == {"a": True, "b": False, "c": False, "manifest.json": False}
    assert [str(d) for d in compared.outcomes] == ["list[1]: recorded 2, here 3"]
    assert not compared.identical


# What is given: a folder, its manifest, a wheel


def test_a_manifest_and_a_wheel_are_read_like_their_folder(artifact: Path, tmp_path: Path) -> None:
    folder = open_artifact(artifact).folder
    wheel = tmp_path / "house_price_regression-0.1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"regression_model/artifacts/{folder.name}/{path.name}")

    assert read_record(folder / "manifest.json") == read_record(artifact) == read_record(wheel)


def test_a_wheel_without_a_model_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "other-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("other/__init__.py", "")

    with pytest.raises(ArtifactCorrupt, match=r"holds 0 models below .* expected 1"):
        read_record(wheel)


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.whl").write_text("<html>")

    with pytest.raises(ArtifactCorrupt, match=r"broken\.whl cannot be read as a wheel"):
        read_record(tmp_path / "broken.whl")


def test_a_changed_manifest_is_refused(artifact: Path, tmp_path: Path) -> None:
    text = (open_artifact(artifact).folder / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace('"rows": 400', '"rows": 401'))

    with pytest.raises(ArtifactCorrupt, match="does not match its own digest"):
        read_record(tmp_path / "manifest.json")


def test_an_empty_folder_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="there is no trained model"):
        read_record(tmp_path)


# The config


def test_the_config_comes_with_the_artifact(artifact: Path, quick_config: str) -> None:
    assert find_config(read_record(artifact), None) == quick_config


def test_the_config_is_searched_by_its_hash(
    artifact: Path, tmp_path: Path, quick_config: str
) -> None:
    record = reproducing.Record(read_record(artifact).manifest, config=None)
    (tmp_path / "right.yml").write_text(quick_config, "utf-8")
    (tmp_path / "wrong.yml").write_text(bundled_config(), "utf-8")
    wanted = hashlib.sha256(quick_config.encode()).hexdigest()

    assert find_config(record, tmp_path / "right.yml") == quick_config
    with pytest.raises(DataError, match=rf"SHA-256 {wanted}; .*wrong\.yml has another"):
        find_config(record, tmp_path / "wrong.yml")
    with pytest.raises(DataError, match=rf"SHA-256 {wanted}; the artifact and this package"):
        find_config(record, None)


# The sales


@pytest.fixture(scope="module")
def table(spec: Any, sales: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sales of the session as a file."""
    path: Path = tmp_path_factory.mktemp("table") / "train.csv"
    frame = sales.frame.copy()
    frame[spec.target.name] = sales.prices
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def of_table(
    spec: Any,
    trained: Any,
    quick_config: str,
    table: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An artifact that says it was made of that file."""
    root: Path = tmp_path_factory.mktemp("of-table")
    save_trained(root, spec, load_sales(table, spec), trained, config=quick_config)
    return root


def test_the_sample_is_generated_again(artifact: Path, spec: Any) -> None:
    found = find_sales(read_record(artifact), spec, None)

    assert (found.name, len(found.prices)) == ("bundled sample", 400)


def test_a_sample_of_another_generator_is_refused(
    artifact: Path, spec: Any, tmp_path: Path
) -> None:
    other = sample_sales(spec, 60)
    data = {"source": "sample", "name": "bundled sample", "rows": 61, "sha256": other.sha256}
    record = read_record(rewritten(artifact, tmp_path, data=data))

    with pytest.raises(
        DataError, match=r"generates others .* Install house-price-regression 0\.0\.9"
    ):
        find_sales(record, spec, None)


def test_the_datasets_folder_is_searched_by_hash(
    of_table: Path, table: Path, spec: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_DATASETS", str(tmp_path))
    (tmp_path / "train.csv").write_text("another")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "renamed.csv").write_bytes(table.read_bytes())

    found = find_sales(read_record(of_table), spec, None)

    assert (found.name, found.source, len(found.prices)) == ("train.csv", "file", 400)


@pytest.mark.usefixtures("without_fitting")
def test_sales_that_are_not_at_hand_end_with_2_and_the_hash(
    of_table: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_DATASETS", str(tmp_path / "none"))
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    other = tmp_path / "other.csv"
    other.write_bytes(table.read_bytes() + b"\n")

    missing, wrong = run(of_table), run(of_table, "--data", other)

    assert missing.exit_code == wrong.exit_code == 2
    assert f"SHA-256 {digest}; no file in" in missing.stderr
    assert "regression-model data fetch" in missing.stderr
    assert f"{other} has SHA-256 {hashlib.sha256(other.read_bytes()).hexdigest()}" in wrong.stderr


@pytest.mark.usefixtures("without_fitting")
def test_given_sales_are_taken_by_their_hash(of_table: Path, table: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "sales.csv"
    renamed.write_bytes(table.read_bytes())

    result = run(of_table, "--data", renamed)

    assert result.exit_code == 0, result.output
    assert "same    MODEL_CARD.md" in result.stdout
