"""The command `tune`."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from regression_model.version import DISTRIBUTION, VERSION


@pytest.mark.process
def test_tune_on_a_full_disk_says_so_in_one_line(
    run: Callable[..., Any], full_disk: str, sold: Path, small_config: Path
) -> None:

    ended = run("tune", "--data", sold, "--config", small_config, program=full_disk)

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("Error: tune.db: cannot hold a study: ")


@pytest.fixture
def poor_config(small_config: Path, tmp_path: Path) -> str:
    """A config of which the search finds at once what is wrong: trees that learn next to nothing."""
    text = small_config.read_text()
    start, end = text.index("search:\n"), text.index("validation:")
    space = "search:\n  trees:\n    learning_rate: 0.001 to 0.9\n    max_depth: 4 or 5\n\n"
    text = text[:start] + space + text[end:]
    assert "      learning_rate: 0.2\n" in text
    path = tmp_path / "poor.yml"
    path.write_text(text.replace("      learning_rate: 0.2\n", "      learning_rate: 0.001\n"))
    return path.name


@pytest.mark.conformance
@pytest.mark.process
def test_tune_proposes_a_change_that_can_be_applied(
    call: Callable[..., Result], sold: Path, poor_config: str, tmp_path: Path
) -> None:
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 4]

    shown = call(*arguments)
    found = json.loads(call(*arguments, "--json").stdout)
    subprocess.run(
        ["git", "apply", "-p0"], input=shown.stdout, text=True, cwd=tmp_path, check=True, timeout=60
    )

    assert shown.exit_code == 0
    assert "tune.db: 4 complete" in shown.stdout
    assert "The gain on fresh folds is above two standard errors. Proposed:" in shown.stdout
    old, new = found["changes"]["trees.hyperparameters.learning_rate"]
    assert f"  trees.hyperparameters.learning_rate: {old} -> {new}\n" in shown.stdout
    assert found["patch"] in shown.stdout
    assert found["fresh_folds"]["gain"] > 2 * found["fresh_folds"]["standard_error"]
    assert found["trials"] == {"complete": 4, "pruned": 0, "interrupted": 0}
    assert f"      learning_rate: {new}\n" in (tmp_path / poor_config).read_text()


@pytest.mark.conformance
@pytest.mark.process
def test_tune_killed_in_a_trial_goes_on_as_if_it_had_not_been(
    call: Callable[..., Result], run: Callable[..., Any], sold: Path, poor_config: str
) -> None:
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 4, "--json"]
    dying = """
import itertools, os, signal
from regression_model.training.tuning import tune
fit, calls = tune.squared_error, itertools.count()
def fit_or_die(*arguments):
    if next(calls) == 5:  # the second fold of the third trial
        os.kill(os.getpid(), signal.SIGKILL)
    return fit(*arguments)
tune.squared_error = fit_or_die
main()
"""

    killed = run(*arguments, program=dying)
    resumed = json.loads(call(*arguments).stdout)
    whole = json.loads(call(*arguments, "--study", "whole.db").stdout)

    assert killed.returncode == -signal.SIGKILL
    assert resumed.pop("trials") == {"complete": 4, "pruned": 0, "interrupted": 1}
    assert whole.pop("trials") == {"complete": 4, "pruned": 0, "interrupted": 0}
    # The trial that was killed keeps its number, 2; the ones after it count on.
    number, number_of_whole = resumed["best"].pop("trial"), whole["best"].pop("trial")
    assert number == number_of_whole + (number_of_whole >= 2)
    assert resumed == whole


def test_tune_shows_what_it_found_when_it_is_interrupted(
    call: Callable[..., Result], sold: Path, poor_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regression_model.training.tuning import tune

    fit, calls = tune.squared_error, itertools.count()

    def fit_or_stop(*arguments: Any) -> float:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return fit(*arguments)

    monkeypatch.setattr(tune, "squared_error", fit_or_stop)
    arguments = ["tune", "--data", sold, "--config", poor_config]

    result = call(*arguments)

    assert result.exit_code == 130
    assert "tune.db: 2 complete, 1 interrupted" in result.stdout
    assert "Not compared on fresh folds: the gain may be noise." in result.stdout
    assert "trees.hyperparameters.learning_rate: 0.001 -> " in result.stdout
    assert "+++" not in result.stdout
    assert "the same command continues the study" in result.stderr


def test_tune_calls_noise_noise(
    call: Callable[..., Result], sold: Path, poor_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regression_model.training.tuning import tune

    searched: list[bytes] = []

    def squared_error(spec: Any, _: Any, __: Any, ___: Any, fold: Any) -> float:
        """A depth of 4 is better on both folds of the search, and now and then on others."""
        if len(searched) < 2:
            searched.append(fold.tobytes())
        lucky = fold.tobytes() in searched or fold[0] == 0
        four = spec.members[-1].hyperparameters["max_depth"] == 4
        return float(len(fold) * (0.1 + four * (-0.01 if lucky else 0.01)))

    monkeypatch.setattr(tune, "squared_error", squared_error)
    arguments = ["tune", "--data", sold, "--config", poor_config, "--trials", 6]

    shown = call(*arguments)
    found = json.loads(call(*arguments, "--json").stdout)

    assert shown.exit_code == 0
    assert "not distinguishable from noise" in shown.stdout
    assert "Nothing is proposed. Best found:\n" in shown.stdout
    assert "  trees.hyperparameters.max_depth: 5 -> 4\n" in shown.stdout
    assert "+++" not in shown.stdout
    assert found["patch"] is None
    assert found["fresh_folds"]["beyond_noise"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "absent/tune.db"], "absent/tune.db: cannot be written: No such file"),
        (["--study", "houses.csv"], "houses.csv: holds no study of 'tune'; name another file"),
        (["--config", "plain.yml"], "plain.yml declares no search space"),
        (["--config", "absent.yml"], "absent.yml: cannot be read"),
        (["--data", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--trials", "1"], "1 is not in the range x>=2"),
    ],
)
def test_tune_refuses_what_it_cannot_use(
    call: Callable[..., Result],
    table: Path,
    sold: Path,
    poor_config: str,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    text = (tmp_path / poor_config).read_text()
    start, end = text.index("search:\n"), text.index("validation:")
    (tmp_path / "plain.yml").write_text(text[:start] + text[end:])

    result = call("tune", "--data", sold, "--config", poor_config, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "tune.db").exists()


@pytest.mark.process
def test_only_tune_needs_what_tunes(
    run: Callable[..., Any], sold: Path, small_config: Path
) -> None:
    arguments = ["--data", sold, "--config", small_config]

    refused = run("tune", *arguments, absent="optuna sqlalchemy")
    trained = run("train", *arguments, "--output", "models", absent="optuna sqlalchemy")

    assert refused.returncode == 2
    assert refused.stderr.endswith(
        "Error: 'tune' needs optuna, which is not installed. "
        f'Install it with: {sys.executable} -m pip install "{DISTRIBUTION}[tune]=={VERSION}"\n'
    )
    assert trained.returncode == 0, trained.stderr
