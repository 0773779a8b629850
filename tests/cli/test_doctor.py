"""The command `doctor`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import Result

import regression_model
from regression_model.artifact import open_artifact
from regression_model.artifact_folders import save_artifact


def test_doctor_finds_a_sound_model_healthy(call: Callable[..., Result], artifact: Path) -> None:
    shown = call("doctor", "--artifact", artifact)
    result = call("doctor", "--artifact", artifact, "--json")

    assert shown.exit_code == result.exit_code == 0
    assert "FAIL" not in shown.stdout
    assert "golden houses have their prices" in shown.stdout
    found = json.loads(result.stdout)
    assert found["healthy"] is True
    assert found["problems"] == []
    assert {"pipeline.joblib", "model.onnx", "golden.json"} <= set(found["intact"])


@pytest.mark.parametrize(
    "name",
    ["pipeline.joblib", "model.onnx", "golden.json", "comparables.npz", "manifest.json"],
)
def test_doctor_names_a_file_in_which_one_bit_has_turned(
    call: Callable[..., Result], own_artifact: Path, name: str
) -> None:
    content = bytearray((own_artifact / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own_artifact / name).write_bytes(content)

    shown = call("doctor", "--artifact", own_artifact)
    result = call("doctor", "--artifact", own_artifact.parent, "--json")

    assert shown.exit_code == result.exit_code == 1
    assert re.search(rf"^FAIL .*{name}", shown.stdout, re.MULTILINE)
    found = json.loads(result.stdout)
    assert found["healthy"] is False
    assert name in found["problems"][0]


@pytest.mark.parametrize(
    "name", ["pipeline.joblib", "model.onnx", "golden.json", "comparables.npz"]
)
def test_doctor_names_a_file_that_is_gone(
    call: Callable[..., Result], own_artifact: Path, name: str
) -> None:
    (own_artifact / name).unlink()

    result = call("doctor", "--artifact", own_artifact)

    assert result.exit_code == 1
    assert re.search(rf"^FAIL .*{name} of .* cannot be read", result.stdout, re.MULTILINE)


def test_doctor_names_a_golden_house_whose_price_has_moved(
    call: Callable[..., Result], own_artifact: Path, tmp_path: Path
) -> None:
    opened = open_artifact(own_artifact)
    manifest = {k: v for k, v in opened.manifest.items() if k not in ("digest", "files", "format")}
    files = {name: opened.read(name) for name in opened.manifest["files"]}
    golden = json.loads(files["golden.json"])
    golden[2]["prediction"] += 2
    files["golden.json"] = json.dumps(golden).encode()
    save_artifact(
        tmp_path / "moved", version=manifest.pop("version"), manifest=manifest, files=files
    )

    result = call("doctor", "--artifact", tmp_path / "moved")

    assert result.exit_code == 1
    assert re.search(r"^FAIL +golden house 2: expected", result.stdout, re.MULTILINE)
    assert "golden houses have their prices" not in result.stdout


@pytest.fixture
def wheel(artifact: Path, tmp_path: Path) -> Path:
    """A wheel with the trained model, under a name that says nothing."""
    folder = open_artifact(artifact).folder
    path = tmp_path / "anything-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"regression_model/artifacts/{folder.name}/{file.name}")
    return path


def test_doctor_judges_a_wheel_by_the_manifest_inside(
    call: Callable[..., Result], wheel: Path
) -> None:
    result = call("doctor", "--artifact", wheel)

    assert result.exit_code == 0
    assert "ok    pipeline.joblib" in result.stdout
    assert "golden houses have their prices" in result.stdout


def test_doctor_refuses_a_wheel_of_our_name_that_holds_something_else(
    call: Callable[..., Result], tmp_path: Path
) -> None:
    foreign = tmp_path / "house_price_regression-9.9.9-py3-none-any.whl"
    with ZipFile(foreign, "w") as archive:
        archive.writestr("regression_model/trained_models/model.pkl", b"\x80")

    result = call("doctor", "--artifact", foreign)

    assert result.exit_code == 1
    assert "holds 0 models below regression_model/artifacts/" in result.stdout
    assert "Nothing of it was run" in result.stdout


@pytest.mark.parametrize(
    ("name", "files", "beside"),
    [
        ("regression-model", "regression_model/__init__.py,,\n", True),
        ("House_Price.Regression", "regression_model/__init__.py,,\n", False),
        ("regression-model", "regression_model_plots/__init__.py,,\n", False),
        ("regression-model", None, False),
    ],
    ids=["a stranger's", "ours", "another folder", "not installed"],
)
def test_doctor_tells_of_another_package_in_the_same_folder(
    name: str,
    files: str | None,
    beside: bool,
    call: Callable[..., Result],
    artifact: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "regression_model").symlink_to(Path(regression_model.__file__).parent)
    info = tmp_path / "stranger-3.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.1.0\n")
    if files is not None:
        (info / "RECORD").write_text(files)
    monkeypatch.syspath_prepend(tmp_path)

    result = call("doctor", "--artifact", artifact)

    said = f"FAIL  {name} 3.1.0 is installed beside this package"
    assert (said in result.stdout) == beside
    assert result.exit_code == (1 if beside else 0)
