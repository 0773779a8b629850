"""The command `doctor`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from regression_model.artifact import open_artifact
from regression_model.artifact_folders import save_artifact


def test_doctor_finds_a_sound_model_healthy(call: Callable[..., Result], artifact: Path) -> None:
    shown = call("doctor", "--artifact", artifact)
    result = call("doctor", "--artifact", artifact, "--json")

    assert shown.exit_code == result.exit_code == 0
    assert "FAIL" not in shown.stdout
    assert "golden houses give their prices" in shown.stdout
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
    assert "golden houses give their prices" not in result.stdout
