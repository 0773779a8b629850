"""A rehearsal says what did not hold; the whole of it is ``tox -e rehearse``, which takes minutes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tools.measuring.load import Answers, Failure
from tools.rehearsal.checkout import Checkout, Release
from tools.rehearsal.page import page
from tools.rehearsal.rehearse import CHANGE, CONFIG, faults_of, golden_houses
from tools.rehearsal.sizes import Size, image_layers
from tools.release.package_index import Refused

ROOT = Path(__file__).resolve().parents[2]
Built = tuple[Path, Path]


@pytest.fixture
def release(built: Built, artifact: Path, tmp_path: Path) -> Release:
    (tmp_path / "diff.md").write_text("# Title\n\n## Verdict\n\nWithin limits.\n\n## More\n\nx\n")
    return Release("1.1.0", "0" * 40, built[1], built[0], artifact, tmp_path / "diff.md")


def answers(**seen: int) -> Answers:
    found = Answers(asked=sum(seen.values()))
    found.versions.update({name.replace("_", "."): count for name, count in seen.items()})
    return found


def test_a_move_without_a_fault_has_none() -> None:
    assert faults_of(answers(**{"1_0_0": 5, "1_1_0": 7}), "on") == []


def test_requests_that_fail_are_counted_by_their_reason() -> None:
    seen = answers(**{"1_0_0": 5, "1_1_0": 7})
    seen.failures += [Failure(0.0, 1.0, "status 502"), Failure(0.0, 1.0, "status 502")]

    assert faults_of(seen, "on") == ["on: 2 x status 502"]


def test_prices_of_another_version_are_a_fault() -> None:
    seen = answers(**{"1_0_0": 5, "1_1_0": 7})
    seen.mixed = 3

    assert faults_of(seen, "on") == ["on: 3 prices are not those of the version that is named"]


def test_a_load_that_one_version_answered_is_a_fault() -> None:
    assert faults_of(answers(**{"1_0_0": 5}), "on") == ["on: answered by ['1.0.0'], expected both"]


def test_the_page_has_what_was_seen(release: Release) -> None:
    again = {"wheel": ("a" * 64, "a" * 64), "graph": ("b" * 64, "c" * 64)}
    moves = {"1.0.0 to 1.1.0": answers(**{"1_0_0": 5, "1_1_0": 7})}

    text = page(release, moves, [0], again, [Size("wheel", 1_500_000)], "none", ["graph differs"])

    assert "\n- graph differs\n" in text
    assert "| 1.0.0 to 1.1.0 | 12 | 0 | 1.0.0: 5, 1.1.0: 7 | 0.00 |" in text
    assert f"| wheel | `{'a' * 64}` | the same |" in text
    assert f"| graph | `{'b' * 64}` | `{'c' * 64}` |" in text
    assert "| wheel | 1.5 |  |" in text
    assert text.endswith("\n\nWithin limits.\n")


def test_hashes_are_those_of_wheel_sdist_and_every_file_of_the_model(
    release: Release, built: Built
) -> None:
    found = release.hashes()

    assert found[built[1].name] == hashlib.sha256(built[1].read_bytes()).hexdigest()
    names = {name.rpartition("/")[2] for name in found}
    assert {built[0].name, "CURRENT", "model.onnx", "pipeline.joblib", "manifest.json"} <= names


def test_both_releases_are_asked_for_the_same_houses(release: Release) -> None:
    houses, prices = golden_houses(release, release)

    assert len(houses) == len(prices["1.0.0"]) == len(prices["1.1.0"]) > 0
    assert None not in prices["1.0.0"]


def test_the_change_of_the_config_can_be_made() -> None:
    assert (ROOT / CONFIG).read_text("utf-8").count(CHANGE[0]) == 1


def test_a_change_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("a: 1\n")

    with pytest.raises(Refused, match=r"config\.yml has 'b: 2' 0 times, expected 1"):
        Checkout(tmp_path, tmp_path, tmp_path / "log").change("config.yml", "b: 2\n", "b: 3\n")


def test_a_step_that_fails_is_named_with_its_last_lines(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, tmp_path, tmp_path / "log")

    with pytest.raises(Refused, match=r"(?s)the step ended with 3:\n.*too bad"):
        checkout.run(["sh", "-c", "echo too bad; exit 3"], "the step")
    assert "$ the step\ntoo bad" in (tmp_path / "log").read_text()


def test_the_layers_are_the_table_in_what_is_printed() -> None:
    assert (
        image_layers("- ready\n\n| layer | MB |\n|---|---|\nend\n") == "| layer | MB |\n|---|---|"
    )
