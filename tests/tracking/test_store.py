"""Where runs are kept: arguments before environment before config before default."""

from __future__ import annotations

from pathlib import Path

import pytest

from regression_model.config.reader import bundled_config, parse_spec, parse_tracking
from regression_model.errors import ConfigError, TrackingFailed
from regression_model.tracking.store import Store, read_timeout, store_of, without_password
from regression_model.tracking.subprocess_tracking import track_in_subprocess

SECTION = "\ntracking:\n  uri: http://of.config\n  experiment: of config\n"


def test_without_a_word_it_is_a_file_in_the_folder() -> None:
    assert store_of() == Store("sqlite:///mlflow.db", "regression-model")


def test_the_config_is_asked_before_the_default() -> None:
    section = parse_tracking(bundled_config() + SECTION, label="config.yml")

    assert store_of(config=section) == Store("http://of.config", "of config")


def test_the_environment_is_asked_before_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://of.environment")

    assert store_of(config={"uri": "http://of.config", "experiment": "of config"}) == Store(
        "http://of.environment", "of config"
    )


def test_arguments_are_asked_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://of.environment")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of environment")

    assert store_of("http://given", "given") == Store("http://given", "given")


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")

    assert store_of(config={"uri": "http://of.config"}).uri == "http://of.config"


def test_the_section_is_no_part_of_the_model() -> None:
    with_section = parse_spec(bundled_config() + SECTION, label="config.yml")

    assert with_section == parse_spec(bundled_config(), label="config.yml")


def test_a_config_without_the_section_asks_for_nothing() -> None:
    assert parse_tracking(bundled_config(), label="config.yml") is None


def test_an_unknown_key_of_the_section_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"key not in schema 'url'; did you mean 'uri'"):
        parse_spec(bundled_config() + "\ntracking:\n  url: x\n", label="config.yml")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mysql+pymysql://me:s3cret@host:3306/mlflow", "mysql+pymysql://me:***@host:3306/mlflow"),
        ("https://me:s3cret@host/", "https://me:***@host/"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_passwords_are_not_shown(uri: str, shown: str) -> None:
    assert Store(uri, "x").shown == without_password(f"{uri}") == shown


@pytest.mark.parametrize(("text", "seconds"), [(None, 120), ("", 120), ("2.5", 2.5)])
def test_the_time_limit(monkeypatch: pytest.MonkeyPatch, text: str | None, seconds: float) -> None:
    monkeypatch.delenv("REGRESSION_MODEL_TRACKING_TIMEOUT", raising=False)
    if text is not None:
        monkeypatch.setenv("REGRESSION_MODEL_TRACKING_TIMEOUT", text)

    assert read_timeout() == seconds


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e9"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_TRACKING_TIMEOUT", text)

    with pytest.raises(TrackingFailed, match=f"TRACKING_TIMEOUT is '{text}'; expected seconds"):
        read_timeout()


def test_what_fails_is_told_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    outcome = track_in_subprocess(tmp_path, Store("http://me:s3cret@host", "houses"), timeout=120)

    assert outcome.run is None
    assert outcome.error is not None
    assert "\n" not in outcome.error
    assert outcome.later == f"regression-model track {tmp_path} --experiment houses"
    assert outcome.as_dict() == {"error": outcome.error, "later": outcome.later}


def test_the_command_for_later_names_a_store_that_the_environment_does_not(tmp_path: Path) -> None:
    outcome = track_in_subprocess(tmp_path, Store("http://of.config", "two words"), timeout=120)

    assert outcome.later == (
        f"regression-model track {tmp_path} --uri http://of.config --experiment 'two words'"
    )


def test_no_more_time_is_taken_than_allowed(tmp_path: Path) -> None:
    outcome = track_in_subprocess(tmp_path, Store("http://me:s3cret@host", "houses"), timeout=0.01)

    assert outcome.error == (
        "MLflow at http://me:***@host did not take the run within 0.01 seconds "
        "(REGRESSION_MODEL_TRACKING_TIMEOUT sets another limit)"
    )
