"""An artifact that version 0.1.0 made from the sample is still of use."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model import ArtifactIncompatible, load_model
from regression_model.artifact import open_artifact
from regression_model.version import VERSION

DOLLAR = 1.0
STORED = Path(__file__).parents[1] / "stored" / "artifact-0.1.0.zip"
Call = Callable[..., Result]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the artifact, and with what version 0.1.0 answered, ``expected.json``."""
    folder: Path = tmp_path_factory.mktemp("stored")
    with zipfile.ZipFile(STORED) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def expected(stored: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((stored / "expected.json").read_text("utf-8"))
    return loaded


def test_it_passes_doctor(call: Call, stored: Path) -> None:
    ended = call("doctor", "--artifact", stored)

    assert ended.exit_code == 0, ended.output


def test_its_prices_ranges_and_explanations_are_the_same(
    stored: Path, expected: dict[str, Any]
) -> None:
    answer = load_model(stored).predict(expected["houses"], explain=True)

    assert answer["version"] == "0.1.0"
    assert answer["predictions"] == pytest.approx(expected["predictions"], abs=DOLLAR)
    for given, before in zip(answer["intervals"], expected["intervals"], strict=True):
        assert given == pytest.approx(before, abs=DOLLAR)
    for explanation, before in zip(answer["explanations"], expected["contributions"], strict=True):
        assert explanation is not None
        assert explanation["contributions"] == pytest.approx(before, abs=DOLLAR)


def test_a_table_is_priced_as_houses_are(
    call: Call, stored: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    table, prices = tmp_path / "houses.ndjson", tmp_path / "prices.ndjson"
    table.write_text("".join(f"{json.dumps(house)}\n" for house in expected["houses"]))

    ended = call("predict", table, "--output", prices, "--artifact", stored)

    assert ended.exit_code == 0, ended.output
    written = [json.loads(line)["prediction"] for line in prices.read_text().splitlines()]
    assert written == pytest.approx(expected["predictions"], abs=DOLLAR)


def test_it_is_compared_with_a_model_of_today(call: Call, stored: Path, artifact: Path) -> None:
    ended = call("diff", stored, artifact, "--json")

    assert ended.exit_code in (0, 1), ended.output  # 1: the models differ by more than the limits
    assert json.loads(ended.stdout)["checks"]


def test_its_pickled_pipeline_is_refused_in_one_line(stored: Path) -> None:
    from regression_model.training.persistence import load_difficulty, load_pipeline

    told = rf"version 0\.1\.0 of this package, this is version {re.escape(VERSION)}; .*`regression-model reproduce "
    for load in (load_pipeline, load_difficulty):
        with pytest.raises(ArtifactIncompatible, match=told) as refused:
            load(open_artifact(stored))
        assert "\n" not in str(refused.value)
