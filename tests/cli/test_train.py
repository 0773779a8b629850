"""The command `train`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.artifact import open_artifact


@pytest.mark.process
def test_train_on_a_full_disk_says_so_and_keeps_the_old_model(
    run: Callable[..., Any],
    full_disk: str,
    sold: Path,
    small_config: Path,
    artifact: Path,
    tmp_path: Path,
) -> None:
    arguments = ["train", "--data", sold, "--config", small_config, "--output", "models"]
    shutil.copytree(artifact, tmp_path / "models")
    before = {p: p.read_bytes() for p in tmp_path.joinpath("models").rglob("*") if p.is_file()}

    ended = run(*arguments, program=full_disk)

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "File too large. Nothing was changed" in ended.stderr
    after = {p: p.read_bytes() for p in tmp_path.joinpath("models").rglob("*") if p.is_file()}
    assert after == before


def test_train_saves_a_model_that_predicts(
    call: Callable[..., Result], sold: Path, small_config: Path, table: Path, tmp_path: Path
) -> None:
    result = call("train", "--data", sold, "--config", small_config, "--output", "models")

    assert result.exit_code == 0
    for word in ("2-fold cross-validation", "hold-out of 20%", "RMSLE", "MdAPE", "plain Lasso"):
        assert word in result.stdout
    assert re.search(r"twins: at most \$\S+ apart on 200 training rows", result.stdout)
    (folder,) = (tmp_path / "models").glob("regression_model-*")
    assert result.stdout.rstrip().endswith(f"saved: models/{folder.name}")
    assert open_artifact(tmp_path / "models").manifest["data"]["source"] == "file"
    priced = call("predict", table, "--output", "prices.csv", "--artifact", "models")
    assert priced.exit_code == 0
    assert call("doctor", "--artifact", "models").exit_code == 0


def test_train_answers_in_json(call: Callable[..., Result], sold: Path, small_config: Path) -> None:
    result = call("train", "--data", sold, "--config", small_config, "--output", "models", "--json")

    summary = json.loads(result.stdout)
    assert Path(summary["artifact"]).is_dir()
    assert (summary["data"]["source"], summary["data"]["rows"]) == ("file", 200)
    assert set(summary["cross_validated"]) == {"model", "plain Lasso", "mean"}
    scores = summary["cross_validated"]
    assert scores["model"]["rmsle"] < scores["mean"]["rmsle"]
    assert summary["parity"]["largest_on_edges"] <= 1
    assert summary["parity"]["edge_rows"] >= 10_000


def test_train_that_fails_the_gate_is_exit_code_1_and_saves_nothing(
    call: Callable[..., Result], sold: Path, small_config: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.yml"
    strict.write_text(small_config.read_text().replace("rmsle: 1.0", "rmsle: 0.0001"))

    result = call("train", "--data", sold, "--config", strict, "--output", "models")

    assert result.exit_code == 1
    assert "RMSLE is 0." in result.stderr
    assert "must be at most 0.0001" in result.stderr
    assert not list(tmp_path.glob("models/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--data", "houses.csv"], "houses.csv is refused as a table of sales"),
        (["--data", "houses.txt"], "unknown kind of table; expected .csv"),
        (["--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--config", "bad.yml"], "bad.yml"),
        (["--output", "houses.csv/x"], "cannot be written to; name another folder with --output"),
        (["--sql", "SELECT 1"], "--sql needs a database: --database, or REGRESSION_MODEL_DATABASE"),
        (["--database", "sqlite:///a.db"], "--database is for --sql, which gives the query"),
        (["--sql", "SELECT 1", "--data", "a.csv"], "--data and --sql both name the sales"),
        (["--sql", "SELECT 1", "--database", "sqlite:///a.db"], "a.db: there is no such SQLite"),
    ],
)
def test_train_refuses_what_it_cannot_use(
    call: Callable[..., Result], table: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "bad.yml").write_text("name: [flow, list]\n")
    output = [] if "--output" in arguments else ["--output", "models"]

    result = call("train", *arguments, *output)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("text", ["", "garbage", "-1", "1e9"])
def test_an_unusable_build_date_is_said_in_one_line(
    run: Callable[..., Any], text: str, sold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)

    ended = run("train", "--data", sold, "--output", "models")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert f"SOURCE_DATE_EPOCH is {text!r}; expected whole seconds" in ended.stderr
