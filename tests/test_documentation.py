"""What the README tells people to type works, and says what happens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from regression_model.cli import group

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
SHELL = "".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S))
COMMANDS = re.findall(r"^regression-model (.+?)\s*(?:#.*)?$", SHELL, re.M)


def test_the_python_example_gives_what_its_comments_promise(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {}

    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # the README's own example

    result = names["result"]
    price, refused = result["predictions"]
    low, high = result["intervals"][0]
    assert low < price < high
    assert refused is None
    assert result["intervals"][1] is None
    (error,) = result["errors"]
    assert (error["row"], error["field"], error["code"]) == (1, "GrLivArea", "impossible_value")


def test_the_commands_work_one_after_the_other(
    artifact: Path, tmp_path: Path, quick_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(artifact))
    monkeypatch.chdir(tmp_path)
    # A model this small, of so few sales, is past the gates that are meant for real ones.
    lenient = quick_config.partition("gates:")[0] + "gates:\n  file:\n    rmsle: 0.3\n"
    monkeypatch.setattr("regression_model.config.reader.bundled_config", lambda: lenient)
    runner = CliRunner()
    assert len(COMMANDS) == 7
    runner.invoke(group, ["sample", "800", "--output", "train.csv"], catch_exceptions=False)

    for command in COMMANDS:
        done = runner.invoke(group, shlex.split(command), catch_exceptions=False)
        assert done.exit_code == 0, f"{command}: {done.output}"

    assert len(Path("prices.csv").read_text().splitlines()) == 1001
    assert Path("models/CURRENT").is_file()
    assert "</html>" in Path("table.html").read_text()
    assert "</html>" in Path("report.html").read_text()


def test_the_curl_example_is_a_house_the_model_prices(model: Any) -> None:
    (body,) = re.findall(r"curl .*?-d '(.+?)'", TEXT, re.S)

    result = model.predict_json(body.encode())

    assert result["errors"] == []
    assert result["predictions"][0] > 0
    assert set(json.loads(body)) == {f.name for f in model.spec.features if f.required}


def test_every_variable_of_the_environment_is_documented() -> None:
    said = TEXT + "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "regression_model").rglob("*.py"))
    variables = set(re.findall(r'"((?:REGRESSION_MODEL|KAGGLE)_[A-Z_]+)"', code))

    assert {"REGRESSION_MODEL_ARTIFACT", "KAGGLE_KEY"} <= variables
    assert {name for name in variables if f"`{name}`" not in said} == set()
